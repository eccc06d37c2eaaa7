# SPDX-License-Identifier: Apache-2.0
"""Each fault of a wire is named from what the person saw and what the line showed."""

from __future__ import annotations

import pytest

from agent.commission import press_check, sense_check
from agent.commission.press_check import check_press
from agent.commission.sense_check import Finding, Machine, Seen, check_sense

OFF, ON, ASLEEP = Machine.OFF, Machine.ON, Machine.ASLEEP
LOW = Seen(level=False, blinking=False, edges=0, span_s=2.5)
HIGH = Seen(level=True, blinking=False, edges=0, span_s=2.5)
BLINK = Seen(level=True, blinking=True, edges=5, span_s=2.5)
NOISE = Seen(level=True, blinking=False, edges=250, span_s=2.5)


@pytest.mark.parametrize(
    ("before", "after", "led", "finding"),
    [
        ((OFF, LOW), (ON, HIGH), True, sense_check.FOLLOWS),
        ((ON, HIGH), (OFF, LOW), False, sense_check.FOLLOWS),
        ((ASLEEP, BLINK), (ON, HIGH), True, sense_check.FOLLOWS),
        ((ASLEEP, LOW), (ON, HIGH), False, sense_check.FOLLOWS),
        ((OFF, HIGH), (ON, LOW), True, sense_check.INVERTED),
        ((OFF, LOW), (ON, LOW), True, sense_check.DEAD_LOW),
        ((ON, HIGH), (OFF, HIGH), False, sense_check.DEAD_HIGH),
        ((OFF, LOW), (ON, NOISE), True, sense_check.FLOATING),
        ((OFF, LOW), (ON, BLINK), True, sense_check.BLINKS_WHILE_ON),
        ((OFF, BLINK), (ON, HIGH), True, sense_check.BLINKS_WHILE_OFF),
        ((ASLEEP, BLINK), (ON, HIGH), False, sense_check.NOT_A_LED),
        ((OFF, LOW), (OFF, LOW), True, sense_check.NOT_SWITCHED),
    ],
)
def test_sense(before: tuple[Machine, Seen], after: tuple[Machine, Seen], led: bool, finding: Finding) -> None:
    assert check_sense(before, after, led) is finding
    assert finding.good or finding.cures


def test_the_fastest_blink_is_no_noise() -> None:
    assert not Seen(level=True, blinking=True, edges=25, span_s=2.5).noisy


@pytest.mark.parametrize(
    ("verdict", "reason", "reacted", "told"),
    [
        ("done", "", None, press_check.RIGHT.text),
        ("failed", "power-good did not rise within 10 s", False, press_check.PRESSED_FOR_NOTHING.text),
        ("failed", "power-good did not rise within 10 s", True, press_check.STARTED_UNSEEN.text),
        ("failed", "the host changed state before the press; nothing was pressed", False, "was not pressed"),
        ("busy", "reset is still running", None, "was not pressed: reset is still running"),
    ],
)
def test_press(verdict: str, reason: str, reacted: bool | None, told: str) -> None:
    finding = check_press(verdict, reason, reacted)
    assert told in finding.text
    assert finding.good is (verdict == "done")
