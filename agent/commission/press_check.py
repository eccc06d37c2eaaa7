# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a button, from what one press did. Pure."""

from __future__ import annotations

from agent.commission.sense_check import Finding
from agent.power.request import Verdict

RIGHT = Finding(True, "the button works, and power-good shows it")
PRESSED_FOR_NOTHING = Finding(
    False,
    "the machine did not react: the press does not reach it",
    (
        "An optocoupler at the button: exchange the two wires at the header, it works one way round only.",
        "Are they on the power button's pins? Bridge the two pins by hand for a moment: the machine must start.",
        "Does the optocoupler's LED get its current? Measure between its pins 1 and 2 while the board presses: 1.2 V.",
    ),
)
NOT_PRESSED = "nothing was pressed"
"""In the reason of a press whose precondition did not hold."""
STARTED_UNSEEN = Finding(
    False,
    "the button works, but power-good does not show it",
    ("Power-good followed before, and does not now: look for a loose wire, and run this check again.",),
)


def check_press(verdict: str, reason: str, machine_reacted: bool | None) -> Finding:
    """`machine_reacted`: what the person saw; None where power-good answered the question."""
    if verdict == Verdict.DONE.value:
        return RIGHT
    if verdict != Verdict.FAILED.value or NOT_PRESSED in reason:
        return Finding(False, f"the button was not pressed: {reason}")
    return STARTED_UNSEEN if machine_reacted else PRESSED_FOR_NOTHING
