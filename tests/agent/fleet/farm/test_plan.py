# SPDX-License-Identifier: Apache-2.0
"""What the automation wishes, and that it comes to rest."""

from __future__ import annotations

import datetime
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fleet.farm.model import HOUR_NS, NS_PER_S, Clock, FarmNode, FarmSettings, Memory, Plan, Reason, Resource
from agent.fleet.farm.plan import plan
from agent.fleet.node.documents import Direction

UP, DOWN = Direction.UP, Direction.DOWN
CPU, MEMORY = Resource.CPU, Resource.MEMORY
EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "150"))
NOON = datetime.datetime(2026, 3, 1, 12, 0)
ROUND_NS = 300 * NS_PER_S
QUIET = FarmSettings(random_per_month=0, unseen_ns=10_000 * HOUR_NS)


def node(name: str, state: Direction = UP, **more: object) -> FarmNode:
    base = FarmNode(name, "hall", state, state, seen_ns=0, capacity={CPU: 10.0, MEMORY: 100.0})
    return replace(base, **more)  # type: ignore[arg-type]


def at(hours: float, local: datetime.datetime | None = NOON) -> Clock:
    return Clock(int(hours * HOUR_NS), None if local is None else local + datetime.timedelta(hours=hours))


def wishes(found: Plan) -> dict[str, tuple[Direction, Reason]]:
    return {wish.node: (wish.target, wish.reason) for wish in found.wishes}


def test_what_is_not_needed_sleeps_but_one_stays_per_segment() -> None:
    nodes = [node("a"), node("b"), node("c", segment="attic"), node("d", segment="attic")]
    found = plan(at(1), nodes, {}, QUIET, Memory())
    assert wishes(found) == {"a": (DOWN, Reason.SPARE), "c": (DOWN, Reason.SPARE)}
    assert "hall" in found.kept["b"]
    assert found.stranded == ()


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (node("a", busy="a job"), "a job"),
        (node("a", pinned="router"), "router"),
        (node("a", able=False), "woken"),
        (node("a", manual=True), "person"),
        (node("a", changed_ns=HOUR_NS - 60 * NS_PER_S), "30 min"),
    ],
)
def test_what_keeps_a_machine_up(kept: FarmNode, why: str) -> None:
    found = plan(at(1), [kept, node("z")], {}, QUIET, Memory())
    assert "a" not in wishes(found)
    assert why in found.kept["a"]


def test_a_demand_larger_than_any_machine_is_met_by_several() -> None:
    nodes = [node("a", used={CPU: 4.0}), *(node(f"n{number}", DOWN) for number in range(6))]
    found = plan(at(1), nodes, {CPU: 25.0}, QUIET, Memory())
    woken = {name for name, (target, reason) in wishes(found).items() if (target, reason) == (UP, Reason.DEMAND)}
    assert len(woken) == 3  # 29 / 0.8 = 36.25: four machines of 10
    assert found.unmet == {}


def test_what_all_together_cannot_serve_is_said_and_all_are_woken() -> None:
    nodes = [node("a", used={CPU: 4.0}), node("b", DOWN), node("c", DOWN)]
    found = plan(at(1), nodes, {CPU: 60.0}, QUIET, Memory())
    assert set(wishes(found)) == {"b", "c"}
    assert found.unmet == {CPU: pytest.approx(64 / 0.8 - 30)}


def test_what_is_on_its_way_is_not_woken_twice_and_a_failed_one_is_replaced() -> None:
    waking = node("b", DOWN, target=UP, target_ns=HOUR_NS)
    nodes = [node("a", used={CPU: 9.0}), waking, node("c", DOWN)]
    assert wishes(plan(at(1.2), nodes, {}, QUIET, Memory())) == {}
    late = plan(at(1.6), nodes, {}, QUIET, Memory())
    assert wishes(late) == {"c": (UP, Reason.DEMAND)}
    assert late.memory.failed_ns == {"b": int(1.6 * HOUR_NS)}


def test_between_the_thresholds_nothing_happens() -> None:
    calm = [node("a", used={CPU: 7.5}), node("b", used={CPU: 0.0}), node("c", DOWN)]
    assert wishes(plan(at(1), calm, {}, QUIET, Memory())) == {}  # 75 % of one: within 0.8, not within 0.7
    idle = [node("a", used={CPU: 6.9}), node("b"), node("c", DOWN)]
    assert wishes(plan(at(1), idle, {}, QUIET, Memory())) == {"b": (DOWN, Reason.SPARE)} or "a" in wishes(
        plan(at(1), idle, {}, QUIET, Memory())
    )
    full = [node("a", used={CPU: 8.1}), node("c", DOWN)]
    assert wishes(plan(at(1), full, {}, QUIET, Memory())) == {"c": (UP, Reason.DEMAND)}


def test_daily_wakes_come_one_at_a_time_and_once_a_day() -> None:
    settings_ = replace(QUIET, daily_at=datetime.time(12, 30))
    nodes = [node("a"), node("b", DOWN), node("c", DOWN)]
    assert wishes(plan(at(0.2), nodes, {}, settings_, Memory())) == {}
    first = plan(at(0.6), nodes, {}, settings_, Memory())
    assert wishes(first) == {"b": (UP, Reason.DAILY)}
    waking = [node("a"), node("b", DOWN, target=UP, target_ns=int(0.6 * HOUR_NS)), node("c", DOWN)]
    assert wishes(plan(at(0.7), waking, {}, settings_, first.memory)) == {}
    second = plan(at(0.8), nodes, {}, settings_, first.memory)
    assert wishes(second) == {"c": (UP, Reason.DAILY)}
    assert wishes(plan(at(2), nodes, {}, settings_, second.memory)) == {}
    assert wishes(plan(at(24.7), nodes, {}, settings_, second.memory)) == {"b": (UP, Reason.DAILY)}


def test_daily_wakes_shortly_before_midnight_come_for_each_machine_in_the_night() -> None:
    settings_ = replace(QUIET, daily_at=datetime.time(23, 55))
    nodes, memory = [node("a"), *(node(f"n{number}", DOWN) for number in range(5))], Memory()
    woken: list[str] = []
    for half_hour in range(23, 97):  # from 23:30 on, for a day and a half
        found = plan(at(half_hour / 2), nodes, {}, settings_, memory)
        memory = found.memory
        woken += wishes(found)
    assert woken == 2 * [f"n{number}" for number in range(5)]


def test_who_is_put_to_sleep_after_the_time_of_its_wake_is_not_woken_at_once() -> None:
    """It was up then, so it is known to start."""
    nodes = [node("a"), node("b", DOWN, changed_ns=11 * HOUR_NS)]
    midnight = NOON + datetime.timedelta(hours=12)
    daily = replace(QUIET, daily_at=datetime.time(9, 0))
    for settings_ in (daily, *(replace(QUIET, random_per_month=30, seed=str(seed)) for seed in range(30))):
        hours = [hour for hour in range(11, 99) if wishes(plan(at(hour, midnight), nodes, {}, settings_, Memory()))]
        assert hours, "there is a wake on a later day"
        assert hours[0] >= (33 if settings_ is daily else 12)


def test_a_jump_of_the_wall_clock_wakes_nobody_twice() -> None:
    settings_ = replace(QUIET, daily_at=datetime.time(0, 0))
    nodes = [node("a"), node("b", DOWN)]
    memory = plan(at(0), nodes, {}, settings_, Memory()).memory
    for jump in (-400, 400, 1, -1):
        assert wishes(plan(at(1, NOON + datetime.timedelta(days=jump)), nodes, {}, settings_, memory)) == {}
    later = plan(at(13, NOON - datetime.timedelta(days=400)), nodes, {}, settings_, memory)
    assert wishes(later) == {"b": (UP, Reason.DAILY)}  # the clock was put back for good
    assert wishes(plan(at(13, None), nodes, {}, settings_, memory)) == {}


def test_unseen_for_a_day_is_urgent_and_a_dead_machine_is_not_woken_all_day() -> None:
    nodes = [node("a"), node("b", DOWN)]
    settings_ = replace(QUIET, unseen_ns=24 * HOUR_NS)
    first = plan(at(24), nodes, {}, settings_, Memory())
    assert wishes(first) == {"b": (UP, Reason.URGENT)}
    memory, wakes, target_ns = Memory(), 0, None
    for step in range(24 * 12):  # a day of rounds, and it never comes up
        now = at(24 + step / 12)
        sleeper = node("b", DOWN) if target_ns is None else node("b", DOWN, target=UP, target_ns=target_ns)
        found = plan(now, [node("a"), sleeper], {}, settings_, memory)
        memory = found.memory
        if "b" in wishes(found):
            wakes, target_ns = wakes + 1, now.mono_ns
    assert 3 <= wakes <= 5


def test_random_wakes_are_about_ten_a_month_and_the_same_for_the_same_seed() -> None:
    def month(seed: str) -> list[int]:
        settings_ = FarmSettings(random_per_month=10, unseen_ns=10_000 * HOUR_NS, seed=seed, per_round=50)
        nodes = [node("a"), *(node(f"n{number:02}", DOWN) for number in range(40))]
        memory, counts = Memory(), []
        for step in range(30 * 24):
            found = plan(at(step), nodes, {}, settings_, memory)
            memory = found.memory
            counts.append(sum(wish.reason is Reason.RANDOM for wish in found.wishes))
        return counts

    counts = month("x")
    assert 300 <= sum(counts) <= 500
    assert counts == month("x")
    assert counts != month("y")


def test_rounds_have_a_limit() -> None:
    nodes = [node("a"), *(node(f"n{number}", DOWN) for number in range(9))]
    found = plan(at(100), nodes, {}, replace(QUIET, unseen_ns=24 * HOUR_NS, per_round=3), Memory())
    assert len(found.wishes) == 3


def test_a_segment_in_which_nobody_is_awake_is_said() -> None:
    found = plan(at(1), [node("a", DOWN), node("b", DOWN)], {}, QUIET, Memory())
    assert found.stranded == ("hall",)
    assert wishes(found) == {"a": (UP, Reason.SENDER)}


def test_a_manual_target_is_left_alone() -> None:
    nodes = [node("a", used={CPU: 9.9}), node("b", DOWN, manual=True), node("c", UP, manual=True, capacity={})]
    found = plan(at(100), nodes, {CPU: 50.0}, replace(QUIET, unseen_ns=HOUR_NS), Memory())
    assert wishes(found) == {}
    assert found.unmet


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -1.0])
def test_amounts_that_are_none(amount: float) -> None:
    with pytest.raises(ValueError, match="cpu"):
        plan(at(1), [node("a")], {CPU: amount}, QUIET, Memory())
    with pytest.raises(ValueError, match="capacity of a"):
        plan(at(1), [node("a", capacity={CPU: amount})], {}, QUIET, Memory())


@pytest.mark.parametrize("change", [{"thresholds": {CPU: 0.9}}, {"hysteresis": -0.1}, {"per_round": 0}])
def test_settings_that_make_no_sense(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"threshold|hysteresis|per_round"):
        replace(QUIET, **change)  # type: ignore[arg-type]


machines = st.lists(
    st.builds(
        FarmNode,
        name=st.uuids().map(str),
        segment=st.sampled_from(["hall", "attic"]),
        state=st.sampled_from([UP, DOWN, None]),
        target=st.sampled_from([UP, DOWN, None]),
        seen_ns=st.integers(0, HOUR_NS),
        capacity=st.dictionaries(st.sampled_from(Resource), st.floats(0, 100)),
        used=st.dictionaries(st.sampled_from(Resource), st.floats(0, 30)),
        busy=st.sampled_from(["", "a job"]),
        pinned=st.sampled_from(["", "by hand"]),
        able=st.booleans(),
        sends=st.booleans(),
        manual=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda each: each.name,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(machines, st.dictionaries(st.sampled_from(Resource), st.floats(0, 200)))
def test_any_farm_comes_to_rest_and_keeps_its_rules(nodes: list[FarmNode], demand: dict[Resource, float]) -> None:
    """Obeyed at once, the wishes end: no machine is woken and put to sleep in turn."""
    memory, clock = Memory(), at(2)
    for step in range(12):
        clock = at(2 + step / 12)
        found = plan(clock, nodes, demand, QUIET, memory)
        memory = found.memory
        by_name = {each.name: each for each in nodes}
        for wish in found.wishes:
            each = by_name[wish.node]
            assert not each.manual
            if wish.target is DOWN:
                assert each.up
                assert each.able
                assert not (each.busy)
                assert not (each.pinned)
        wanted = {wish.node: wish.target for wish in found.wishes}
        for segment in ("hall", "attic"):  # whoever was awake to send, some stay
            awake = [each for each in nodes if each.segment == segment and each.sends and each.staying]
            assert not awake or any(wanted.get(each.name) is not DOWN for each in awake)
        if not found.wishes:
            return
        nodes = [
            each
            if each.name not in wanted
            else replace(each, target=wanted[each.name], state=wanted[each.name], changed_ns=clock.mono_ns)
            for each in nodes
        ]
    raise AssertionError("it never comes to rest")
