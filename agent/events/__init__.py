# SPDX-License-Identifier: Apache-2.0
"""Typed events of the board: what happened, its place in the catalogue, and the one bus that carries them."""
