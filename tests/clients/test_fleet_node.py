# SPDX-License-Identifier: Apache-2.0
"""The node side of the fleet as processes on a real mosquitto: sleep, wake, kills, flips, clocks, forged messages."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.fleet.node.documents import Condition, Direction, Gone, Heartbeat, Report, Target, WakeSent
from agent.fleet.node.topics import Leaf, topic
from tests.agent.mqtt.brokers import Mosquitto
from tests.clients.fleet_nodes import AWAKE_S, SEGMENT, Agent, Owner, board, own_node
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.client

UP, DOWN = Direction.UP, Direction.DOWN
PAGE = Path(__file__).parents[2] / "docs" / "fleet-nodes.md"
QUIET_S = AWAKE_S + 4
"""Longer than a node needs to go to sleep if nothing stands against it."""


class Hall:
    """A node without a network card that could wake it, and the board that is wired to it."""

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder)
        self.broker.start()
        self.owner = Owner(self.broker)
        self.bee = own_node(folder, "bee", self.broker)
        self.board = board(folder, "board1", self.broker, {"0": 'wakes = "bee"'})
        self.went = self.bee.folder / "went"
        self.users = self.bee.folder / "users"
        self.users.write_text("alice\n")

    def start(self) -> None:
        self.board.start()
        self.board.power("on")
        self.bee.start()
        until(lambda: (last := self.owner.last("bee")) is not None and last.able, "bee can be woken")

    def close(self) -> None:
        self.bee.end(signal.SIGKILL)
        self.board.end()
        self.owner.close()
        self.broker.kill()

    def used(self) -> None:
        """Somebody wants bee to sleep, and somebody uses it."""
        self.owner.want("bee", DOWN, 1)
        until(lambda: "in use by alice" in self.reason(), "a guard stands")

    def free(self) -> None:
        """Nobody uses bee any more."""
        self.users.write_text("")

    def reason(self) -> str:
        last = self.owner.last("bee")
        return "" if last is None else last.reason

    def asleep(self) -> bool:
        """Its shutdown was carried out to the end."""
        return self.went.exists() and self.went.read_bytes().endswith(b"\n")

    def last_words(self) -> list[Report]:
        """What the broker knew of it at each shutdown."""
        return [msgspec.json.decode(line, type=Report) for line in self.went.read_bytes().splitlines()]


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    made = Hall(tmp_path)
    try:
        made.start()
        yield made
        for agent in (made.bee, made.board):
            assert "Traceback" not in agent.said(), agent.said()
    finally:
        made.close()


def test_it_sleeps_after_its_last_report_has_come_back_and_the_board_switches_it_on(hall: Hall) -> None:
    hall.used()
    hall.free()
    until(hall.asleep, "bee sleeps")
    (last,) = hall.last_words()
    assert (last.state, last.last, last.revision, last.condition) == (DOWN, True, 1, Condition.OFF)
    assert hall.bee.machine("bee")["promises"]["asked"] == "board1"
    hall.bee.end(signal.SIGKILL)  # its computer is off
    hall.board.power("force-off")
    until(lambda: isinstance(hall.owner.heard("bee", Leaf.ALIVE)[-1], Gone), "its will")
    assert hall.board.presses("board1") == []
    hall.owner.want("bee", UP, 2)
    until(hall.board.powered, "the board presses")
    until(lambda: hall.owner.heard("bee", Leaf.WAKE), "it says so")
    assert hall.owner.heard("bee", Leaf.WAKE) == [
        WakeSent(node="bee", segment=SEGMENT, sender="board1", revision=2, attempt=0)
    ]
    hall.bee.start()
    until(lambda: (now := hall.owner.last("bee")) is not None and now.condition is Condition.ON, "bee is on")
    assert hall.board.presses("board1") == ["on"]


def test_after_a_kill_it_reports_and_then_sleeps_again(hall: Hall) -> None:
    hall.used()
    hall.bee.end(signal.SIGKILL)
    until(lambda: isinstance(hall.owner.heard("bee", Leaf.ALIVE)[-1], Gone), "its will")
    hall.free()
    before = hall.owner.reports("bee")[-1]
    hall.bee.start()
    until(hall.asleep, "bee sleeps")
    until(lambda: hall.owner.reports("bee")[-1].last, "its last report")
    since = [report for report in hall.owner.reports("bee") if report.start > before.start]
    assert (since[0].start, since[0].state, since[0].last) == (before.start + 1, UP, False), "first it reports"
    assert [report.last for report in since].index(True) > 0
    beats = [one for one in hall.owner.heard("bee", Leaf.ALIVE) if isinstance(one, Heartbeat)]
    assert {beat.boot for beat in beats} == {before.boot}, "the kernel went on"
    assert beats[-1].uptime_ns > beats[0].uptime_ns


def test_targets_that_flip_and_come_late_end_at_the_highest_revision(hall: Hall) -> None:
    for revision in range(1, 12):  # in use all the while: each of these targets may be the newest for long
        hall.owner.want("bee", DOWN if revision % 2 else UP, revision)
    hall.owner.want("bee", UP, 12)
    hall.owner.want("bee", DOWN, 5, retain=False)
    hall.owner.want("bee", DOWN, 12, retain=False)
    until(lambda: {"stale", "conflict"} <= hall.bee.machine("bee").get("refused", {}).keys(), "all are heard")
    hall.free()
    time.sleep(QUIET_S)
    assert not hall.went.exists()
    now = hall.bee.machine("bee")
    assert (now["revision"], now["condition"]) == (12, "on")
    hall.owner.want("bee", DOWN, 13)
    until(hall.asleep, "bee sleeps")
    assert len(hall.last_words()) == 1


def test_without_a_broker_it_stays_up_and_goes_on_when_one_is_back(hall: Hall) -> None:
    hall.used()
    hall.broker.kill()
    hall.free()
    until(lambda: hall.bee.machine("bee").get("connected") is False, "the broker is missed")
    time.sleep(QUIET_S)
    assert not hall.went.exists()
    hall.broker.start()  # it has forgotten everything
    until(hall.asleep, "bee sleeps")
    (last,) = hall.last_words()
    assert last.last


def test_the_time_of_day_may_jump(hall: Hall) -> None:
    before_s = hall.bee.machine("bee")["uptime_s"]
    for days in (-4000, 4000, 0):
        hall.bee.move_clocks(wall_s=days * 86_400)
        time.sleep(1.5)
    hall.used()
    now = hall.bee.machine("bee")
    assert before_s <= now["uptime_s"] < before_s + 120
    assert now["start"] == 1
    hall.bee.move_clocks(wall_s=-4000 * 86_400)
    hall.free()
    until(hall.asleep, "bee sleeps")


def test_after_a_suspend_it_reports_first_and_obeys_the_target_that_it_hears_again(hall: Hall) -> None:
    hall.owner.want("bee", UP, 1)
    until(lambda: (now := hall.owner.last("bee")) is not None and now.revision == 1, "the target is heard")
    hall.bee.move_clocks(suspended_s=3600)
    until(lambda: (now := hall.owner.last("bee")) is not None and now.start == 2 and now.target is UP, "a new start")
    first = next(report for report in hall.owner.reports("bee") if report.start == 2)
    assert first.target is None, "it was not heard again yet"
    assert not any(isinstance(one, Gone) for one in hall.owner.heard("bee", Leaf.ALIVE))
    hall.bee.end(signal.SIGKILL)
    until(lambda: isinstance(hall.owner.heard("bee", Leaf.ALIVE)[-1], Gone), "its will")
    will = hall.owner.heard("bee", Leaf.ALIVE)[-1]
    assert isinstance(will, Gone)
    assert will.start == 2


# ---------------------------------------------------------------------- who may say what


class GuardedHall:
    """A board with two hosts, on a broker with the access lists of the page."""

    def __init__(self, folder: Path) -> None:
        blocks = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        acl = folder / "acl"
        acl.write_text("\n".join(block for block in blocks if block.startswith("user ")), encoding="utf-8")
        acl.chmod(0o600)
        self.broker = Mosquitto(folder, ["allow_anonymous true", f"acl_file {acl}"])
        self.broker.start(probe=False)
        self.owner = Owner(self.broker, "owner")
        self.board: Agent = board(folder, "board1", self.broker, {"0": 'node = "db1"', "1": 'node = "db2"'})

    def close(self) -> None:
        self.board.end()
        self.owner.close()
        self.broker.kill()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedHall]:
    made = GuardedHall(tmp_path)
    try:
        made.board.start()
        yield made
        assert "Traceback" not in made.board.said(), made.board.said()
    finally:
        made.close()


def test_a_board_speaks_for_its_hosts_only_and_what_is_forged_moves_nothing(guarded: GuardedHall) -> None:
    hall, owner = guarded, guarded.owner
    for host in ("0", "1"):
        hall.board.power("on", host)
    until(lambda: all((one := owner.last(node)) and one.state is UP for node in ("db1", "db2")), "both report")
    until(lambda: len(owner.heard("db1", Leaf.ALIVE)) > 0, "it lives")
    mine = owner.last("db1")
    assert mine is not None
    forged = msgspec.structs.replace(mine, node="ant", state=DOWN)
    denied = [
        ("board1", topic(SEGMENT, "db1", Leaf.TARGET), Target(node="db1", target=DOWN, revision=5)),
        ("board1", topic(SEGMENT, "ant", Leaf.REPORT), forged),
        ("ant", topic(SEGMENT, "db1", Leaf.TARGET), Target(node="db1", target=DOWN, revision=6)),
        ("ant", topic(SEGMENT, "db1", Leaf.REPORT), msgspec.structs.replace(mine, state=DOWN, number=99)),
        ("ant", topic(SEGMENT, "db1", Leaf.ALIVE), Gone(node="db1", segment=SEGMENT, boot="x", start=99)),
    ]
    for user, name, document in denied:
        owner.say(name, document, retain=True, user=user)
    owner.want("db2", UP, 1)
    owner.say(topic(SEGMENT, "db1", Leaf.TARGET), Target(node="db2", target=DOWN, revision=7))  # with the owner's name
    owner.want("db1", UP, 3)
    owner.want("db1", DOWN, 2, retain=False)
    owner.want("db1", DOWN, 3, retain=False)
    until(lambda: hall.board.machine("db1")["refused"].get("conflict"), "what does not fit is counted")
    now = hall.board.machine("db1")
    assert (now["revision"], now["target"], now["state"]) == (3, "up", "up")
    assert now["refused"].keys() == {"other-node", "stale", "conflict"}
    assert owner.heard("ant", Leaf.REPORT) == []
    assert {report.boot for report in owner.reports("db1")} == {mine.boot}
    assert all(hall.board.powered(host) for host in ("0", "1"))
    assert hall.board.presses("db1") == hall.board.presses("db2") == []
    owner.want("db1", DOWN, 4)
    until(lambda: not hall.board.powered("0"), "the owner is obeyed")
    assert hall.board.powered("1")
