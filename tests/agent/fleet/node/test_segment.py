# SPDX-License-Identifier: Apache-2.0
"""Whole segments under faults: what is asked for happens, nobody sleeps who must not, and nobody storms."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent.fleet.node.actions import Happening
from agent.fleet.node.documents import Asker, Direction, Target
from tests.agent.fleet.node.segment import SETTINGS, Faults, Power, Segment

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "6"))
NAMES = ["ant", "bee", "cat", "dog"]
UP, DOWN = Direction.UP, Direction.DOWN
HOUR = 3600.0

slow = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
"""One history takes a second or two: a failing one is not made smaller."""


def settle(segment: Segment, hours: float = 3.0) -> None:
    segment.faults.hang = 0.0
    segment.run(hours * HOUR)


def test_a_node_sleeps_and_is_woken_again() -> None:
    segment = Segment(NAMES, 1)
    for name in NAMES:
        segment.want(name, UP)
    segment.run(900)
    segment.want("bee", DOWN)
    segment.run(600)
    assert segment.power_of("bee") is Power.OFF
    assert segment.report_of("bee").state is DOWN
    segment.want("bee", UP)
    segment.run(900)
    assert segment.power_of("bee") is Power.RUNNING
    assert segment.report_of("bee").state is UP
    assert segment.sleeps == {"bee": 1}


def test_the_last_one_stays_awake_when_all_should_sleep() -> None:
    segment = Segment(NAMES, 2)
    for name in NAMES:
        segment.want(name, DOWN)
    settle(segment)
    assert len(segment.up()) == 1
    (keeper,) = segment.up()
    assert "awake" in segment.report_of(keeper).reason


@pytest.mark.parametrize("seed", range(4))
def test_two_that_should_both_sleep(seed: int) -> None:
    segment = Segment(["ant", "bee"], seed)
    for name in ("ant", "bee"):
        segment.want(name, DOWN)
    settle(segment)
    assert len(segment.up()) == 1


@slow
@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from(
                ["up", "down", "person-down", "crash", "power-cut", "restart", "pin", "unpin", "use", "idle"]
            ),
            st.integers(1, 400),
        ),
        max_size=20,
    ),
    loss=st.sampled_from([0.0, 0.1, 0.3]),
)
def test_any_history_ends_where_the_targets_say(seed: int, steps: list[tuple[str, str, int]], loss: float) -> None:
    segment = Segment(NAMES, seed, Faults(loss=loss, hang=0.3))
    for name in NAMES:
        segment.want(name, UP)
    segment.run(300)  # each has said how it is woken
    for name, what, seconds in steps:
        do(segment, name, what)
        segment.run(seconds)
    for box in segment.boxes.values():  # whatever happened, a person is there in the end
        if box.power is Power.OFF and not segment.up():
            segment.crash(box.name, reboot=True)
            box.power, box.until_s = Power.BOOTING, segment.now_s
    settle(segment)
    reached(segment)


def do(segment: Segment, name: str, what: str) -> None:
    box = segment.boxes[name]
    match what:
        case "up" | "down":
            segment.want(name, UP if what == "up" else DOWN)
        case "person-down":
            segment.want(name, DOWN, Asker.PERSON)
        case "crash":
            segment.crash(name, reboot=True)
        case "power-cut":
            segment.crash(name, reboot=False)
        case "restart":
            segment.restart_program(name)
        case "pin" | "unpin":
            box.pinned = "by hand" if what == "pin" else ""
        case "use" | "idle":
            box.users = ("ssh",) if what == "use" else ()


def reached(segment: Segment) -> None:
    """Every machine is where its target says, or its report says why not."""
    up = segment.up()
    wanted_up = {name for name, target in segment.wanted.items() if target.target is UP}
    given_up = {told.node for told in segment.told if told.happening is Happening.NOT_AWAKE}
    assert wanted_up - given_up <= up
    held = {box.name for box in segment.boxes.values() if box.pinned or box.users}
    extra = up - wanted_up - held
    assert len(extra) <= (0 if up & (wanted_up | held) else 1), (up, wanted_up, held)
    for name in up - wanted_up:
        assert segment.report_of(name).reason
    for name in set(NAMES) - up:
        crashed = segment.boxes[name].crashed_s > 0
        assert crashed or segment.report_of(name).state is DOWN


def test_an_old_target_played_back_does_nothing() -> None:
    segment = Segment(NAMES, 5)
    old = Target(node="bee", target=DOWN, revision=1)
    segment.want("bee", DOWN)
    segment.want("bee", UP)
    for _ in range(20):
        segment.replay("bee", old)
        segment.run(60)
    assert segment.sleeps == {}
    core = segment.boxes["bee"].core
    assert core is not None
    assert sum(core.refusals.count.values()) >= 10


@pytest.mark.parametrize("loss", [0.0, 0.15])
def test_a_dead_machine_is_woken_so_often_and_then_said(loss: float) -> None:
    """No storm: however many could send, the attempts have an end and each has about one burst."""
    segment = Segment([f"n{number}" for number in range(5)], 6, Faults(loss=loss))
    for name in segment.boxes:
        segment.want(name, UP)
    segment.run(300)
    segment.crash("n3", reboot=False)
    segment.boxes["n3"].able = False  # its cable is out
    segment.run(3.5 * HOUR)
    assert {told.node for told in segment.told} == {"n3"}
    bursts, attempts = segment.bursts["n3", 1], SETTINGS.wake.attempts
    assert max(at_s for at_s, _, node in segment.burst_log if node == "n3") < segment.now_s - 1500
    if loss:
        assert attempts <= bursts <= 2 * attempts
    else:
        assert segment.bursts == {("n3", 1): attempts}


def test_the_sender_dies_and_another_takes_over() -> None:
    segment = Segment(["ant", "bee", "cat"], 7, Faults(loss=0.0))
    for name in segment.boxes:
        segment.want(name, UP)
    segment.run(900)
    segment.want("cat", DOWN)
    segment.run(300)
    assert segment.power_of("cat") is Power.OFF
    segment.faults.packet_loss = 1.0
    segment.want("cat", UP)
    while not segment.burst_log:
        segment.run(1)
    first = segment.burst_log[0][1]
    segment.faults.packet_loss = 0.0
    segment.crash(first, reboot=False)
    segment.boxes[first].able = False  # and does not come back
    segment.run(900)
    assert segment.power_of("cat") is Power.RUNNING
    assert [sender for _, sender, node in segment.burst_log if node == "cat"][-1] != first


@pytest.mark.parametrize("how", ["crash", "restart"])
@pytest.mark.parametrize("after_s", range(0, 60, 6))
def test_a_crash_at_any_step_of_going_to_sleep(after_s: int, how: str) -> None:
    """It comes back, reports, and does what is wanted of it by then."""
    segment = Segment(["ant", "bee"], after_s, Faults(loss=0.05))
    for name in segment.boxes:
        segment.want(name, UP)
    segment.run(600)
    segment.want("bee", DOWN)
    segment.run(after_s)
    do(segment, "bee", how)
    segment.run(1500)
    assert segment.power_of("bee") is Power.OFF
    assert segment.report_of("bee").state is DOWN
    assert segment.up() == {"ant"}
    segment.want("bee", UP)
    segment.run(1500)
    assert segment.up() == {"ant", "bee"}


@slow
@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(
        st.tuples(
            st.sampled_from(NAMES), st.sampled_from(["down", "person-down", "up", "pin", "unpin"]), st.integers(1, 300)
        ),
        min_size=8,
        max_size=30,
    ),
)
def test_without_crashes_somebody_is_always_awake(seed: int, steps: list[tuple[str, str, int]]) -> None:
    """The segment itself checks each sleep; nothing excuses one here, since nothing crashes."""
    segment = Segment(NAMES, seed, Faults(loss=0.2, hang=0.2))
    segment.run(200)
    for name, what, seconds in steps:
        do(segment, name, what)
        segment.run(seconds)
        assert segment.up()
