# SPDX-License-Identifier: Apache-2.0
"""A shutdown is asked for once, in time, on battery only, and never for a flicker or for nothing."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.battery import (
    BatteryAction,
    BatteryActionKind,
    BatteryOptions,
    BatteryPhase,
    BatteryReading,
    BatteryState,
    NoBatteryReading,
    step,
)

OPTIONS = BatteryOptions()
LOST = NoBatteryReading("the UPS does not answer")


class Life:
    """One battery, read every ten seconds."""

    def __init__(self, options: BatteryOptions = OPTIONS) -> None:
        self.state = BatteryState()
        self.now_s = 1000.0
        self._options = options

    def read(self, *readings: BatteryReading | NoBatteryReading, every_s: float = 10.0) -> list[BatteryAction]:
        done: list[BatteryAction] = []
        for reading in readings:
            self.now_s += every_s
            self.state, actions = step(self.state, self.now_s, reading, self._options)
            done += actions
        return done

    def kinds(self, *readings: BatteryReading | NoBatteryReading) -> list[str]:
        return [action.kind.value for action in self.read(*readings)]


def on_battery(charge: float | None, **more: float) -> BatteryReading:
    return BatteryReading(False, charge, **more)


MAINS = BatteryReading(True, 1.0)


def test_a_discharge_from_full_to_the_reserve_and_back() -> None:
    life = Life()
    assert life.kinds(MAINS) == []
    assert (life.state.phase, life.state.share_on_battery) == (BatteryPhase.MAINS, None)
    assert life.kinds(on_battery(0.9), on_battery(0.5), on_battery(0.21)) == []
    assert (life.state.phase, life.state.share_on_battery) == (BatteryPhase.DISCHARGING, 0.21)
    asked = life.read(*[on_battery(0.19)] * 10)
    assert [action.kind for action in asked] == [BatteryActionKind.ASK_SOFT_OFF]
    assert "19%" in asked[0].why
    assert life.state.phase is BatteryPhase.RESERVE
    assert life.kinds(*[BatteryReading(True, 0.2)] * 6) == []
    assert life.kinds(BatteryReading(True, 0.2)) == ["recovered"]
    assert life.kinds(*[on_battery(0.15)] * 4) == ["ask-soft-off"]


def test_it_is_confirmed_over_time_and_by_several_readings() -> None:
    life = Life()
    assert life.read(*[on_battery(0.1)] * 3) == []
    assert life.kinds(on_battery(0.1)) == ["ask-soft-off"]
    seldom = Life()
    assert seldom.read(*[on_battery(0.1)] * 2, every_s=40) == []
    assert [action.kind.value for action in seldom.read(on_battery(0.1), every_s=40)] == ["ask-soft-off"]


def test_a_flicker_of_the_meter_switches_nothing_off() -> None:
    life = Life()
    assert life.read(*([on_battery(0.0)] * 3 + [on_battery(0.8)]) * 50) == []
    assert life.read(*([on_battery(0.1)] * 3 + [BatteryReading(True, 0.1)]) * 50) == []


def test_a_flicker_of_the_mains_asks_only_once() -> None:
    life = Life()
    assert life.kinds(*([on_battery(0.1)] * 6 + [BatteryReading(True, 0.1)] * 2) * 20) == ["ask-soft-off"]


def test_lost_readings_decide_nothing_and_are_said() -> None:
    life = Life()
    life.read(on_battery(0.1))
    assert life.read(*[LOST] * 500) == []
    assert (life.state.phase, life.state.why) == (BatteryPhase.UNAVAILABLE, "the UPS does not answer")
    assert (life.state.charge, life.state.runtime_s, life.state.share_on_battery) == (None, None, None)
    # after so long the one low reading of before counts no more
    assert life.read(*[on_battery(0.1)] * 3) == []
    assert life.kinds(on_battery(0.1)) == ["ask-soft-off"]


def test_single_losses_do_not_hold_up_a_shutdown() -> None:
    life = Life()
    assert life.kinds(on_battery(0.1), LOST, on_battery(0.1), LOST, on_battery(0.1)) == ["ask-soft-off"]


def test_runtime_is_estimated_from_the_smoothed_power() -> None:
    life = Life()
    life.read(on_battery(0.5, power_w=100.0, capacity_wh=200.0))
    assert life.state.runtime_s == pytest.approx(3600)
    life.read(on_battery(0.5, power_w=1000.0, capacity_wh=200.0))
    assert 900 < (life.state.runtime_s or 0) < 3600
    life.read(*[on_battery(0.5, power_w=200.0, capacity_wh=200.0)] * 60)
    assert life.state.runtime_s == pytest.approx(1800, rel=0.01)
    life.read(on_battery(0.5, power_w=0.0, capacity_wh=200.0), MAINS)
    assert life.state.runtime_s is None
    life.read(on_battery(0.5, power_w=10.0, capacity_wh=200.0, runtime_s=77.0))
    assert life.state.runtime_s == 77


def test_a_short_runtime_asks_too() -> None:
    life = Life()
    assert life.kinds(*[on_battery(None, runtime_s=150.0)] * 4) == ["ask-soft-off"]
    estimated = Life()
    assert estimated.kinds(*[on_battery(0.5, power_w=2000.0, capacity_wh=100.0)] * 4) == ["ask-soft-off"]


def test_an_unknown_charge_is_said() -> None:
    life = Life()
    assert life.read(*[on_battery(None)] * 50) == []
    assert "neither" in life.state.why


def test_a_clock_that_goes_back_confirms_nothing() -> None:
    life = Life()
    life.read(on_battery(0.1), on_battery(0.1))
    assert life.read(on_battery(0.1), every_s=-500) == []
    assert life.read(on_battery(0.1), on_battery(0.1)) == []


def test_what_is_harvested_beyond_need_is_used_with_hysteresis() -> None:
    life = Life(BatteryOptions(harvested=True))
    charges = (0.5, 0.89, 0.91, 0.85, 0.71, 0.69, 0.85, 0.95, 0.6)
    told = [life.kinds(on_battery(charge)) for charge in charges]
    assert told == [[], [], ["use-more"], [], [], ["use-less"], [], ["use-more"], ["use-less"]]
    assert Life().kinds(*[on_battery(charge) for charge in charges]) == []


def test_a_surplus_that_cannot_be_read_ends() -> None:
    life = Life(BatteryOptions(harvested=True))
    life.read(on_battery(0.95))
    assert life.kinds(LOST, LOST) == []
    assert life.kinds(*[LOST] * 10) == ["use-less"]


def test_without_mains_at_all_the_sun_ends_a_discharge() -> None:
    life = Life()
    assert life.kinds(*[on_battery(0.1)] * 10) == ["ask-soft-off"]
    assert life.kinds(*[on_battery(0.25)] * 10) == []
    assert life.kinds(*[on_battery(0.4)] * 10) == ["recovered"]


@pytest.mark.parametrize(
    "bad",
    [
        {"charge": 1.1},
        {"charge": -0.1},
        {"charge": math.nan},
        {"power_w": -1.0},
        {"capacity_wh": math.inf},
        {"runtime_s": math.nan},
    ],
)
def test_readings_that_are_none(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"charge|battery"):
        BatteryReading(False, **bad)


@pytest.mark.parametrize(
    "bad",
    [
        {"reserve": 0.0},
        {"reserve": 0.5},
        {"confirm_s": 1},
        {"recover_s": 0},
        {"surplus_above": 0.6},
        {"surplus_above": 1.1},
        {"volts": 12},
    ],
)
def test_options_that_are_none(bad: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, BatteryOptions)


shares = st.none() | st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.35, 1.0]) | st.floats(0, 1)
amounts = st.none() | st.floats(0, 1e5)
readings = st.just(LOST) | st.builds(BatteryReading, st.booleans(), shares, amounts, amounts, amounts)
moments = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 10.0, 10.0, 30.0, 61.0, -20.0]), readings), max_size=150)


@settings(max_examples=100, deadline=None)
@given(moments, st.booleans())
def test_never_on_mains_never_for_nothing_and_once_per_discharge(
    life: list[tuple[float, BatteryReading | NoBatteryReading]], harvested: bool
) -> None:
    options, state, now_s, armed = BatteryOptions(harvested=harvested), BatteryState(), 1000.0, True
    for passed_s, reading in life:
        now_s += passed_s
        before = state
        state, actions = step(state, now_s, reading, options)
        kinds = [action.kind for action in actions]
        assert len(kinds) == len(set(kinds))
        if BatteryActionKind.ASK_SOFT_OFF in kinds:
            assert isinstance(reading, BatteryReading)
            assert not reading.on_mains
            assert armed
            assert before.low_since_s is not None
            assert now_s - before.low_since_s >= options.confirm_s
            armed = False
        if BatteryActionKind.RECOVERED in kinds:
            assert isinstance(reading, BatteryReading)
            assert reading.on_mains or (reading.charge or 0) >= options.recover_above
            armed = True
        if isinstance(reading, NoBatteryReading):
            assert (state.phase, state.charge, state.runtime_s) == (BatteryPhase.UNAVAILABLE, None, None)
        else:
            assert (state.phase is BatteryPhase.MAINS) is reading.on_mains
        assert harvested or not state.surplus
