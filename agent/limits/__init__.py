# SPDX-License-Identifier: Apache-2.0
"""Watches readings against their limits."""
