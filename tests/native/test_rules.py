# SPDX-License-Identifier: Apache-2.0
"""Interlocks, rail sequences and power-good watches over memory lines, with the real thread."""

from __future__ import annotations

import time

import pytest

from native import (
    Condition,
    HoldOff,
    InputChanged,
    Interlock,
    InterlockEnded,
    InterlockFired,
    LatchLevel,
    LineError,
    Outcome,
    PowerGood,
    PowerGoodEvent,
    PowerGoodWatch,
    RailSequence,
    RailStep,
    SequenceDone,
)
from tests.native.rig import LONG_MS, Rig


def test_interlock_acts_and_ends() -> None:
    rule = Interlock("heat", "HOT", True, (HoldOff("BUTTON", "GOOD"), LatchLevel("RAIL", True)), settled_ms=3)
    with Rig(max_press_ms=LONG_MS, interlocks=(rule,)) as rig:
        rig.settle("GOOD", True)
        rig.chip.drive("HOT", True)
        fired = rig.wait(InterlockFired, lambda event: event.output == "BUTTON")
        assert fired.rule == "heat"
        assert fired.action_ns - fired.edge_ns >= 3_000_000
        assert rig.wait(InterlockFired).output == "RAIL"
        assert rig.done(rig.engine.pulse("BUTTON", 10)).outcome is Outcome.REFUSED
        assert rig.done(rig.engine.set("RAIL", False)).outcome is Outcome.REFUSED
        rig.settle("GOOD", False)
        assert rig.wait(InterlockEnded).outcome is Outcome.COMPLETED
        rig.settle("HOT", False)
        rig.engine.disarm("heat")
        rig.engine.reset("heat")
        assert rig.done(rig.engine.set("RAIL", False)).outcome is Outcome.COMPLETED
        assert rig.engine.statistics().edge_to_action.count == 2


def test_a_rule_that_fired_before_starts_latched_and_moves_nothing() -> None:
    """The sensor is still hot and the host runs: were it not remembered, the start would hold the button."""
    rule = Interlock("heat", "HOT", True, (HoldOff("BUTTON", "GOOD"), LatchLevel("RAIL", True)), 3, fired=True)
    with Rig(max_press_ms=LONG_MS, interlocks=(rule,)) as rig:
        rig.chip.drive("HOT", True)
        rig.settle("GOOD", True)
        assert rig.done(rig.engine.set("RAIL", True)).outcome is Outcome.REFUSED  # latched until reset
        assert not rig.chip.level("BUTTON")
        assert not rig.chip.level("RAIL")
        assert not [event for event in rig.seen if isinstance(event, InterlockFired)]
        rig.engine.reset("heat")
        assert rig.wait(InterlockFired).output == "BUTTON"
        assert rig.chip.level("BUTTON")


def test_sequence_carries_its_times() -> None:
    steps = (RailStep("RAIL", True, Condition("GOOD", True), within_ms=20_000),)
    with Rig(sequences=(RailSequence("up", steps),)) as rig:
        token = rig.engine.run("up")
        rig.until(lambda: rig.chip.level("RAIL"))
        time.sleep(0.02)
        rig.chip.drive("GOOD", True)
        event = rig.wait(SequenceDone)
        assert (event.token, event.sequence, event.outcome) == (token, "up", Outcome.COMPLETED)
        assert event.steps[0].ready_ns - event.steps[0].driven_ns >= 20_000_000
        rig.settle("GOOD", False)
        rig.engine.run("up", precondition=Condition("GOOD", True))
        assert rig.wait(SequenceDone).outcome is Outcome.REFUSED


def test_power_good_watch() -> None:
    watch = PowerGoodWatch("host", "GOOD", ("BUTTON",), rise_ms=20_000, hold_off_ms=30)
    with Rig(watches=(watch,)) as rig:
        rig.wait(InputChanged, lambda event: event.line == "GOOD")
        token = rig.engine.pulse("BUTTON", 10)
        pressed = rig.done(token)
        rig.settle("GOOD", True)
        rose = rig.wait(PowerGoodEvent)
        assert (rose.what, rose.from_ns) == (PowerGood.ROSE, pressed.started_ns)
        rig.chip.drive("GOOD", False)
        lost = rig.wait(PowerGoodEvent)
        assert lost.what is PowerGood.LOST
        assert lost.time_ns - lost.from_ns >= 30_000_000


def test_an_interlock_without_an_input_acts_when_it_is_fired() -> None:
    rule = Interlock("all-off", None, True, (HoldOff("BUTTON", "GOOD"), LatchLevel("RAIL", True)))
    with Rig(max_press_ms=LONG_MS, interlocks=(rule,)) as rig:
        rig.settle("GOOD", True)
        press = rig.engine.pulse("BUTTON", LONG_MS)
        rig.engine.fire("all-off")
        assert rig.wait(InterlockFired, lambda event: event.output == "BUTTON").outcome is Outcome.COMPLETED
        assert rig.done(press).outcome is Outcome.PREEMPTED
        assert rig.chip.level("BUTTON")
        assert rig.chip.level("RAIL")
        with pytest.raises(LineError, match="all-offs"):
            rig.engine.fire("all-offs")
