# SPDX-License-Identifier: Apache-2.0
"""What the world outside says: prices, volumes, carbon, shares of the renewable. One source per file."""
