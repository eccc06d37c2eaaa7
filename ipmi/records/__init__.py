# SPDX-License-Identifier: Apache-2.0
"""Codecs of the records that clients read: SDR, SEL and FRU."""
