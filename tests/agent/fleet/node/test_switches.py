# SPDX-License-Identifier: Apache-2.0
"""Boards that wake nodes by a switch: never a running machine, once per attempt over any history, and with an end."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent.fleet.node.actions import Happening
from agent.fleet.node.documents import Direction
from agent.fleet.node.switch import Switch
from tests.agent.fleet.node.segment import BOARD_SETTINGS, SETTINGS, Faults, Power, Segment

UP, DOWN = Direction.UP, Direction.DOWN
EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "8"))
HOUR = 3600.0
NODES = ["ant", "bee"]
BOARDS = {"board": ("ant", "bee"), "other": ("bee",)}

slow = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


def segment(seed: int = 1, faults: Faults | None = None, *, cards: bool = False) -> Segment:
    made = Segment(NODES, seed, faults or Faults(loss=0.0), BOARDS, cards)
    for name in NODES:
        made.want(name, UP)
    made.run(600)
    return made


def test_nodes_without_a_card_sleep_all_at_once_because_a_board_stays_and_are_switched_on() -> None:
    hall = segment()
    for name in NODES:
        hall.want(name, DOWN)
    hall.run(900)
    assert hall.up() == set(BOARDS)
    assert hall.presses == {}
    for name in NODES:
        hall.want(name, UP)
    hall.run(900)
    assert hall.up() == {*NODES, *BOARDS}
    assert sum(hall.presses.values()) == 2
    assert hall.bursts == {}


def test_a_target_for_the_board_itself_is_refused_with_a_reason() -> None:
    hall = segment()
    hall.want("board", DOWN)
    hall.run(2 * HOUR)
    assert hall.power_of("board") is Power.RUNNING
    assert "a board stays up" in hall.report_of("board").reason


def test_a_node_with_a_card_is_sent_packets_first_and_pressed_when_they_do_nothing() -> None:
    hall = segment(faults=Faults(loss=0.0, packet_loss=1.0), cards=True)
    hall.want("bee", DOWN)
    hall.run(900)
    assert hall.power_of("bee") is Power.OFF
    hall.want("bee", UP)
    hall.run(120)
    assert (sum(hall.bursts.values()), hall.presses) == (1, {})
    hall.run(900)
    assert hall.power_of("bee") is Power.RUNNING
    assert [attempt for _, _, _, attempt in hall.presses] == [1]


def test_presses_that_do_nothing_have_an_end_that_is_said() -> None:
    hall = segment(faults=Faults(loss=0.0, press_loss=1.0))
    for name in NODES:
        hall.want(name, DOWN)
    hall.run(900)
    for name in NODES:
        hall.want(name, UP)
    hall.run(12 * HOUR)
    attempts = BOARD_SETTINGS.wake.attempts
    assert set(hall.presses.values()) == {1}
    assert [attempt for _, node, _, attempt in sorted(hall.presses) if node == "ant"] == list(range(attempts))
    of_two = sum(node == "bee" for _, node, _, _ in hall.presses)
    assert attempts <= of_two <= 2 * attempts, "two boards, one of which may not have heard the other in time"
    assert {told.node for told in hall.told if told.happening is Happening.NOT_AWAKE} == set(NODES)


@pytest.mark.parametrize("what", ["senses", "running"])
def test_nothing_is_pressed_blindly_or_on_a_machine_that_runs(what: str) -> None:
    hall = segment()
    hall.want("bee", DOWN)
    hall.run(900)
    if what == "senses":
        for board in BOARDS:
            hall.boxes[board].senses = False
    else:
        hall.boxes["bee"].power, hall.boxes["bee"].until_s = Power.GOING_DOWN, hall.now_s + 12 * HOUR  # it hangs
    hall.want("bee", UP)
    hall.run(6 * HOUR)
    assert hall.presses == {}
    assert {told.node for told in hall.told if told.happening is Happening.NOT_AWAKE} == {"bee"}


def test_a_node_stays_up_while_no_board_could_wake_it() -> None:
    hall = segment()
    for board in BOARDS:
        hall.boxes[board].senses = False
    hall.run(60)
    hall.want("bee", DOWN)
    hall.run(HOUR)
    assert hall.power_of("bee") is Power.RUNNING
    assert "cannot be woken" in hall.report_of("bee").reason


def test_a_switch_whose_sense_denies_what_the_node_says_is_wired_to_another_machine() -> None:
    assert not Switch("bee", DOWN).proven(awake=True)
    assert Switch("bee", DOWN).proven(awake=False)
    assert Switch("bee", UP).proven(awake=True)
    assert not Switch("bee", None).proven(awake=False)
    assert not Switch("bee", UP, "it has no button").proven(awake=True)


HISTORY = st.lists(
    st.tuples(
        st.sampled_from([*NODES, *BOARDS]),
        st.sampled_from(["up", "down", "crash", "power-cut", "restart", "blind", "sees"]),
        st.integers(1, 900),
    ),
    max_size=25,
)


@slow
@given(st.integers(0, 2**32), HISTORY, st.sampled_from([0.0, 0.2]), st.booleans())
def test_over_any_history_each_attempt_has_one_press_of_each_board(
    seed: int, steps: list[tuple[str, str, int]], loss: float, cards: bool
) -> None:
    """The segment checks each press itself: the machine is off, the sense sees, the intent is on the disk."""
    hall = segment(seed, Faults(loss=loss, press_loss=0.5), cards=cards)
    came_up = dict.fromkeys(NODES, 0)
    for name, what, seconds in steps:
        do(hall, name, what)
        before = {node: hall.boxes[node].boots for node in NODES}
        hall.run(seconds)
        for node in NODES:
            came_up[node] += hall.boxes[node].boots - before[node]
    for (_, node, _, _), count in hall.presses.items():
        assert count <= 1 + came_up[node], "an attempt is made again only for a machine that came up since"
    for board in BOARDS:
        hall.boxes[board].senses = True
        if hall.boxes[board].power is Power.OFF:
            hall.boxes[board].power, hall.boxes[board].until_s = Power.BOOTING, hall.now_s
    hall.faults.press_loss = hall.faults.packet_loss = 0.0
    for node in NODES:
        hall.want(node, UP)
    hall.run(3 * HOUR)
    assert hall.up() == {*NODES, *BOARDS}


def do(hall: Segment, name: str, what: str) -> None:
    box = hall.boxes[name]
    match what:
        case "up" | "down" if name in NODES:
            hall.want(name, UP if what == "up" else DOWN)
        case "crash":
            hall.crash(name, reboot=True)
        case "power-cut":
            hall.crash(name, reboot=False)
        case "restart":
            hall.restart_program(name)
        case "blind" | "sees":
            box.senses = what == "sees"


def test_a_board_that_restarts_all_the_time_presses_no_more_often() -> None:
    hall = segment(faults=Faults(loss=0.0, press_loss=1.0))
    hall.want("ant", DOWN)
    hall.run(900)
    hall.want("ant", UP)
    for _ in range(60):
        hall.run(90)
        hall.restart_program("board")
    assert len(hall.presses) == sum(hall.presses.values()) == 1
    assert SETTINGS.wake.attempts == 8
