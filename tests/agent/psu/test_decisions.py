# SPDX-License-Identifier: Apache-2.0
"""The small pure decisions: load, population, sharing, wear, permission, trends, changes of the settings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.events.event import EventKind
from agent.hardware.pmbus.quirks import DEFAULT, Quirks
from agent.hardware.pmbus.readings import SupplyIdentity, SupplyReadings
from agent.hardware.pmbus.registers import Register
from agent.hardware.pmbus.status import Status, StatusWord
from agent.profile.schema import SupplyTable
from agent.psu.change import ChangeError, changed
from agent.psu.load import RELEASE_AFTER_S, ForcedSupplies, forced_active, sufficient
from agent.psu.permission import may_write_role
from agent.psu.population import ANY, population
from agent.psu.population import changed as exchanged
from agent.psu.sharing import wrong
from agent.psu.slot import Health, Slot
from agent.psu.trends import BASELINE_SAMPLES, Trends
from agent.psu.wear import MAX_STEP_S, Wear
from ipmi.board import RankAlgorithm, RedundancySettings

SETTINGS = RedundancySettings(True, True, RankAlgorithm.BMC_SPECIFIC, (1, 2), 604_800)


def slot(name: str, pout_w: float = 0.0, serial: str = "S", health: Health = Health.OK, **more: object) -> Slot:
    readings = SupplyReadings(mono_ns=1, status=Status(StatusWord(0)), vin_v=230.0, pout_w=pout_w)
    readings = replace(readings, **more)  # type: ignore[arg-type]
    return Slot(name, health, readings, SupplyIdentity("M", "X", serial))


# ------------------------------------------------------------------ load


@given(st.floats(0, 3000), st.floats(0, 3000), st.integers(0, 3))
def test_more_load_never_needs_fewer_supplies(one: float, other: float, before: int) -> None:
    roles, ratings = (1, 2, 3, 4), (550.0,) * 4
    low, high = sorted((one, other))
    assert forced_active(roles, ratings, low, before) <= forced_active(roles, ratings, high, before)


@given(st.floats(0, 3000))
def test_the_next_supply_is_active_before_the_share_bus_wakes_it(load_w: float) -> None:
    roles, ratings = (1, 2, 3, 4), (550.0,) * 4
    forced = forced_active(roles, ratings, load_w, 0)
    active_w = 550.0 * (1 + forced)
    wakes_at = {0: 3.2, 1: 5.0, 2: 6.7}.get(forced)
    assert wakes_at is None or load_w < active_w * wakes_at / 8.0


def test_supplies_are_let_go_lower_and_later() -> None:
    roles, ratings = (1, 2), (500.0, 500.0)
    assert [forced_active(roles, ratings, load, 1) for load in (119.0, 121.0)] == [0, 1]
    assert [forced_active(roles, ratings, load, 0) for load in (179.0, 181.0)] == [0, 1]
    assert forced_active(roles, ratings, None, 1) == 0
    forced = ForcedSupplies()
    assert forced.update(0.0, 1)
    assert not forced.update(1.0, 0)
    assert not forced.update(0.9 + RELEASE_AFTER_S, 0)
    assert forced.update(1.1 + RELEASE_AFTER_S, 0)


def test_what_was_insufficient_needs_ten_per_cent_to_spare() -> None:
    assert [sufficient(load, 500.0, True) for load in (500.0, 501.0, None)] == [True, False, True]
    assert [sufficient(load, 500.0, False) for load in (450.0, 451.0)] == [True, False]
    assert not sufficient(None, 0.0, True)


# ------------------------------------------------------------------ population and wear


def test_silence_and_faults_are_no_change_of_the_population() -> None:
    pair = [slot("1", serial="A"), slot("2", serial="B")]
    before = population(None, pair)
    assert before == ("A", "B")
    for health in (Health.UNREACHABLE, Health.UNAVAILABLE, Health.INPUT_LOST, Health.FAILED):
        assert population(before, [pair[0], replace(pair[1], health=health)]) == before
    for other in (replace(pair[1], health=Health.ABSENT), slot("2", serial="C")):
        now = population(before, [pair[0], other])
        assert now is not None
        assert exchanged(before, now)
    assert population(before, [pair[0], slot("2", serial="")]) == before
    assert not exchanged((ANY,), ("A",))
    assert population(None, [replace(pair[0], health=Health.UNKNOWN)]) is None


def test_running_time_is_measured_by_serial_number() -> None:
    wear = Wear({"B": 50.0})
    pair = [slot("1", 100.0, "A"), slot("2", 0.0, "B")]
    for _ in range(10):
        wear.add(pair, 5.0)
    wear.add(pair, 1e6)  # the computer slept: that time was not measured
    assert (wear.seconds(pair[0]), wear.seconds(pair[1])) == (50.0 + MAX_STEP_S, 50.0)
    assert wear.order(pair) == (1, 0)
    assert wear.seconds(slot("9", 0.0, "A")) == 60.0  # in another slot, the same supply
    assert wear.stored() == {"B": 50, "A": 60}


# ------------------------------------------------------------------ rules 15 and 16


@pytest.mark.parametrize(
    ("identity", "stated", "quirks", "role", "allowed"),
    [
        (SupplyIdentity("M", "X"), "", DEFAULT, 0, True),
        (SupplyIdentity("M", "X"), "", DEFAULT, 4, True),
        (SupplyIdentity("M", "X"), "", DEFAULT, 5, False),
        (SupplyIdentity("M", "Y"), "", DEFAULT, 0, False),
        (SupplyIdentity("N", "X"), "", DEFAULT, 0, False),
        (SupplyIdentity("N", "Y"), "Y", DEFAULT, 0, True),
        (SupplyIdentity(), "", DEFAULT, 0, False),
        (SupplyIdentity(), "Y", DEFAULT, 0, True),
        (None, "Y", DEFAULT, 0, False),
        (SupplyIdentity("M", "X"), "", Quirks(role_register=False), 0, False),
    ],
)
def test_who_gets_a_role(
    identity: SupplyIdentity | None, stated: str, quirks: Quirks, role: int, allowed: bool
) -> None:
    table = SupplyTable(
        name="1", bus="b", address=0x58, rated_w=1, cold_redundancy=True, mfr_id="M", mfr_model="X", model_stated=stated
    )
    assert may_write_role(table, identity, quirks, role) is allowed
    assert not may_write_role(
        SupplyTable(name="1", bus="b", address=0x58, rated_w=1, mfr_id="M", mfr_model="X"), identity, quirks, role
    )


def test_power_must_follow_the_roles() -> None:
    ratings = (500.0, 500.0)
    assert wrong([slot("1", 100.0), slot("2")], (1, 2), ratings) == ""
    assert "2 is on standby 1" in wrong([slot("1", 60.0), slot("2", 60.0)], (1, 2), ratings)
    assert wrong([slot("1", 150.0), slot("2", 150.0)], (1, 2), ratings) == ""  # the share bus may have woken it
    assert "2 is active and carries nothing" in wrong([slot("1", 300.0), slot("2")], (1, 1), ratings)
    assert wrong([slot("1"), slot("2")], (1, 2), ratings) == ""  # the host is off


# ------------------------------------------------------------------ trends


def watched(
    trends: Trends, slots: list[Slot], start_s: int, count: int, repeats: int = 0
) -> list[tuple[int, EventKind]]:
    told = []
    for second in range(start_s, start_s + count):
        found = trends.watch(float(second), slots, [500.0] * len(slots), [repeats * second] * len(slots))
        told += [(index, kind, evidence) for index, kind, evidence in found]
    assert all(evidence for _, kind, evidence in told if kind is EventKind.PSU_FAILURE_PREDICTED)
    return [(index, kind) for index, kind, _ in told]


def test_share_imbalance_is_told_with_its_evidence_and_ends() -> None:
    trends = Trends(2)
    even, uneven = [slot("1", 200.0), slot("2", 205.0)], [slot("1", 250.0), slot("2", 150.0)]
    assert watched(trends, even, 0, 100) == []
    assert watched(trends, uneven, 100, 30) == []
    told = watched(trends, uneven, 130, 60)
    assert told == [(0, EventKind.PSU_FAILURE_PREDICTED), (1, EventKind.PSU_FAILURE_PREDICTED)]
    assert watched(trends, even, 200, 5) == [
        (0, EventKind.PSU_PREDICTED_RECOVERED),
        (1, EventKind.PSU_PREDICTED_RECOVERED),
    ]


@pytest.mark.parametrize(
    ("rpm", "celsius"),
    [(2000.0, 40.0), (4500.0, 40.0), (3000.0, 55.0)],
)
def test_fan_and_temperature_drift_at_the_same_load(rpm: float, celsius: float) -> None:
    trends = Trends(1)
    usual = [slot("1", 200.0, fans_rpm=(3000.0,), temperatures_c=(40.0,))]
    assert watched(trends, usual, 0, BASELINE_SAMPLES * 2) == []
    drifted = [slot("1", 200.0, fans_rpm=(rpm,), temperatures_c=(celsius,))]
    assert watched(trends, drifted, 2000, 600) == [(0, EventKind.PSU_FAILURE_PREDICTED)]


def test_corrected_errors_that_rise() -> None:
    trends = Trends(1)
    assert watched(trends, [slot("1")], 0, 15, repeats=1) == []
    assert watched(trends, [slot("1")], 15, 100, repeats=1) == [(0, EventKind.PSU_FAILURE_PREDICTED)]


def test_errors_that_the_supply_itself_corrected_count_too() -> None:
    cml = Status(StatusWord.CML, ((Register.STATUS_CML, 0x20),))
    told = watched(Trends(1), [slot("1", status=cml)], 0, 60)
    assert told == [(0, EventKind.PSU_FAILURE_PREDICTED)]


# ------------------------------------------------------------------ settings


def test_a_change_is_good_as_a_whole_or_refused() -> None:
    good = changed(SETTINGS, {"ranks": [2, 1], "expected_supplies": 1, "power_limit_w": 400})
    assert good.settings.algorithm is RankAlgorithm.USER_SPECIFIC
    assert (good.expected, good.limits, good.power_limit_w) == (1, True, 400)
    lifted = changed(SETTINGS, {"power_limit_w": None})
    assert (lifted.limits, lifted.power_limit_w, changed(SETTINGS, {}).limits) == (True, None, False)
    for bad in ({"expected_supplies": 3}, {"expected_supplies": 0}, {"power_limit_w": 1}, {"power_limit_w": "x"}):
        with pytest.raises(ChangeError):
            changed(SETTINGS, {"enabled": False, **bad})
