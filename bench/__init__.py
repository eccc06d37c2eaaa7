# SPDX-License-Identifier: Apache-2.0
"""Measurements against the machine's own limits; each prints one table. Nothing of the program imports them."""
