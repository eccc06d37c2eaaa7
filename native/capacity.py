# SPDX-License-Identifier: Apache-2.0
"""How much one engine takes: its memory is reserved before it starts, and more is an error at load."""

from __future__ import annotations

from native._core import lib

MAX_OUTPUTS: int = lib.ENG_MAX_OUTPUTS
MAX_INPUTS: int = lib.ENG_MAX_INPUTS
MAX_INTERLOCKS: int = lib.ENG_MAX_RULES
MAX_ACTIONS: int = lib.ENG_MAX_ACTIONS
"""Outputs of one interlock."""
MAX_SEQUENCES: int = lib.ENG_MAX_SEQUENCES
MAX_STEPS: int = lib.ENG_MAX_STEPS
"""Steps of one sequence."""
MAX_WATCHES: int = lib.ENG_MAX_WATCHES
MAX_WATCHED_PRESSES: int = lib.ENG_MAX_PRESSES
"""Outputs that one watch follows."""
MAX_SLOW_CHIPS: int = lib.LOP_MAX_SLOW - 1
"""One more thread is kept for lines that are only measured to be slow."""
