# SPDX-License-Identifier: Apache-2.0
"""Emergencies take from the least important first, answer in a measured time and end by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.budget.emergencies.emergency import CLEAR_NS, STEP_NS, EmergencyDesk, EmergencyKind, plan_cuts
from agent.fleet.budget.priority import Priority
from agent.fleet.budget.tree import Node
from agent.fleet.bus import SECOND_NS
from tests.agent.fleet.budget.worlds import small_tree


def node(name: str, priority: Priority, base_w: float = 100.0, least_w: float = 100.0) -> Node:
    return Node(name, priority, base_w, 400.0, 200.0, least_w, True, ("r",))


def test_lowest_priority_first_by_half_and_by_a_fifth() -> None:
    nodes = [(node("c", Priority.CRITICAL), 300.0), (node("p", Priority.PRODUCTION), 300.0)]
    nodes += [(node("b", Priority.BACKGROUND), 300.0), (node("r", Priority.RESEARCH), 300.0)]
    assert dict(plan_cuts(nodes, 100.0, False)) == {"b": 200.0}
    assert dict(plan_cuts(nodes, 1e6, False)) == {"b": 150.0, "r": 150.0, "p": 240.0, "c": 240.0}


def test_below_base_only_when_critical() -> None:
    nodes = [(node("b", Priority.BACKGROUND, 100.0, 40.0), 110.0)]
    assert dict(plan_cuts(nodes, 1e6, False)) == {"b": 100.0}
    assert dict(plan_cuts(nodes, 1e6, True)) == {"b": 55.0}


@given(
    st.lists(st.tuples(st.sampled_from(Priority), st.floats(0, 400), st.floats(10, 200), st.floats(0, 1)), max_size=8),
    st.floats(0, 5000),
    st.booleans(),
)
def test_cuts_keep_floors(found: list[tuple[Priority, float, float, float]], shed_w: float, critical: bool) -> None:
    nodes = [
        (node(f"n{number}", priority, base_w, base_w * part), watts)
        for number, (priority, watts, base_w, part) in enumerate(found)
    ]
    cuts = dict(plan_cuts(nodes, shed_w, critical))
    by_name = {one.name: (one, watts) for one, watts in nodes}
    for name, cap_w in cuts.items():
        one, watts = by_name[name]
        assert (one.least_w if critical else one.base_w) - 1e-6 <= cap_w < watts
    assert sum(by_name[name][1] - cap_w for name, cap_w in cuts.items()) <= shed_w + 1e-6


def test_hysteresis_response_and_end() -> None:
    desk = EmergencyDesk(small_tree())
    limits_w = {name: group.limit_w for name, group in desk.tree.groups.items()}
    key = (EmergencyKind.THERMAL, "r0")
    desk.temperature("r0", 44.9, 45.0, 0)
    assert not desk.running
    desk.temperature("r0", 45.0, 45.0, 0)
    left_w = desk.limits_w(limits_w)
    assert left_w["r0"] == pytest.approx(480.0)
    watts = {"n0": 150.0, "n1": 150.0, "n2": 250.0}
    ceilings_w = desk.ceilings_w(watts, limits_w, 0)
    assert ceilings_w == {"n2": 180.0}
    assert desk.ceilings_w({**watts, "n1": 900.0}, limits_w, STEP_NS - 1) == ceilings_w, "a step has time to show"
    desk.settle({"n2": 250.0}, {"r0": 550.0}, left_w, 2 * SECOND_NS)
    assert desk.running[key].response_ns is None
    desk.settle({"n2": 180.0}, {"r0": 480.0}, left_w, 4 * SECOND_NS)
    assert desk.running[key].response_ns == 4 * SECOND_NS
    desk.temperature("r0", 43.0, 45.0, 10 * SECOND_NS)  # not cool enough
    desk.temperature("r0", 41.0, 45.0, 20 * SECOND_NS)
    desk.temperature("r0", 46.0, 45.0, 30 * SECOND_NS)  # hot again
    desk.settle({"n2": 180.0}, {"r0": 480.0}, left_w, 30 * SECOND_NS + CLEAR_NS)
    assert key in desk.running
    desk.temperature("r0", 41.0, 45.0, 40 * SECOND_NS)
    desk.settle({"n2": 180.0}, {"r0": 480.0}, left_w, 40 * SECOND_NS + CLEAR_NS - 1)
    assert key in desk.running
    desk.settle({"n2": 180.0}, {"r0": 480.0}, left_w, 40 * SECOND_NS + CLEAR_NS)
    assert not desk.running
    assert desk.limits_w(limits_w) == limits_w
    assert [one.kind for one in desk.ended] == [EmergencyKind.THERMAL]


def test_the_response_counts_from_when_more_was_asked_for() -> None:
    desk = EmergencyDesk(small_tree())
    limits_w = {name: group.limit_w for name, group in desk.tree.groups.items()}
    desk.signal(EmergencyKind.GRID, "r0", True, 0, share=0.8)
    found = desk.running[EmergencyKind.GRID, "r0"]
    desk.settle({}, {"r0": 480.0}, desk.limits_w(limits_w), 4 * SECOND_NS)
    desk.signal(EmergencyKind.GRID, "r0", True, 20 * SECOND_NS, share=0.9)
    assert found.response_ns == 4 * SECOND_NS, "less was asked for"
    desk.signal(EmergencyKind.GRID, "r0", True, 30 * SECOND_NS, share=0.5)
    desk.settle({}, {"r0": 480.0}, desk.limits_w(limits_w), 31 * SECOND_NS)
    assert found.response_ns is None
    desk.settle({}, {"r0": 300.0}, desk.limits_w(limits_w), 33 * SECOND_NS)
    assert found.response_ns == 3 * SECOND_NS
    desk.signal(EmergencyKind.GRID, "r0", True, 40 * SECOND_NS, share=0.5, critical=True)
    desk.settle({}, {"r0": 300.0}, desk.limits_w(limits_w), 41 * SECOND_NS)
    assert found.response_ns == SECOND_NS


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan")])
def test_a_share_that_is_none(share: float) -> None:
    desk = EmergencyDesk(small_tree())
    with pytest.raises(ValueError, match="share of the limit"):
        desk.signal(EmergencyKind.GRID, "room", True, 0, share=share)
    with pytest.raises(KeyError):
        desk.signal(EmergencyKind.GRID, "elsewhere", True, 0)
    assert not desk.running


def test_over_consumption_is_measured_and_silence_does_not_end_it() -> None:
    desk = EmergencyDesk(small_tree())
    key = (EmergencyKind.OVER_CONSUMPTION, "r0")
    desk.power("r0", 400.0, 900.0, 600.0, 0)
    assert key not in desk.running  # what silent nodes may draw was not measured
    desk.power("r0", 610.0, 610.0, 600.0, 1)
    desk.power("r0", 100.0, 700.0, 600.0, 2)
    assert desk.running[key].cause  # most nodes fell silent
    desk.power("r0", 500.0, 500.0, 600.0, 3)
    assert not desk.running[key].cause
