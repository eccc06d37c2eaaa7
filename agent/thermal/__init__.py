# SPDX-License-Identifier: Apache-2.0
"""Temperatures of the board."""
