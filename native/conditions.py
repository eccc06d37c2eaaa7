# SPDX-License-Identifier: Apache-2.0
"""What the state of an input can be asked to be: pure."""

from __future__ import annotations

from native.lines import InputLine, InputSource, Steady

CURE = "every input can be ACTIVE or INACTIVE, an LED BLINKING as well"


def can_be(line: InputLine, steady: Steady | None) -> bool:
    """Returns whether a condition may ask for this; None leaves it to the level."""
    if steady is None:
        return True
    if steady is Steady.BLINKING:
        return line.source is InputSource.LED
    return steady in (Steady.ACTIVE, Steady.INACTIVE)
