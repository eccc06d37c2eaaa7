# SPDX-License-Identifier: Apache-2.0
"""`pgood coordinator` and nodes on a real mosquitto that lets everybody write: what is forged, replayed or broken.

Each is refused, named and counted in `status` or by the node, and no cap changes. One program serves all tests here.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from agent.control.server import Peer
from agent.fleet.budget.emergencies.emergency import EmergencyKind
from agent.fleet.budget.emergencies.emergency_messages import emergency_topic
from agent.fleet.budget.lease import LEASE_NS, NodeLease
from agent.fleet.budget.messages import Grant, Refusal, Report, Revision, encode, read_grant, read_report
from agent.fleet.budget.node_side import NodeSide
from agent.fleet.budget.topics import cap_topic, report_topic
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns
from agent.fleet.program.coordinator_methods import CoordinatorMethods
from agent.mqtt.config import MqttConfig
from agent.mqtt.url import parse_url
from tests.agent.fleet.program.processes import FILE, Coordinators, Machine
from tests.agent.mqtt.brokers import Mosquitto, Watcher
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CYCLE_S = 4.0
"""More than one cycle: a decision was made with what was sent, if anything was."""


@dataclass
class Hall:
    """Nodes that live in a thread, and the program."""

    mosquitto: Mosquitto
    program: Coordinators
    watcher: Watcher
    sides: list[NodeSide] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def open(self) -> None:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))
        self._thread.start()
        before_w: list[float] = []
        while before_w != self.caps_w():  # the last steps are small ones, and may be some cycles apart
            self.settle()
            before_w = self.caps_w()
            time.sleep(2 * CYCLE_S)

    def close(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    async def _live(self) -> None:
        bus = MqttBus(MqttConfig(url=parse_url(self.mosquitto.url), base="unused", client_id="nodes"))
        bus.start()
        self.sides = [
            NodeSide(
                bus, "hall", NodeLease(f"n{i}", 100.0, 400.0, i + 1, boot_clock_ns()), Machine(part=0.5), boot_clock_ns
            )
            for i in range(3)
        ]
        listening = [asyncio.create_task(side.listen()) for side in self.sides]
        while not self._ended.is_set():
            for side in self.sides:
                await side.tell()
            await asyncio.sleep(1.0)
        for task in listening:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await bus.close()

    def caps_w(self) -> list[float]:
        return [side.lease.cap_w(boot_clock_ns()) for side in self.sides]

    def settle(self) -> None:
        """Until everything is given away: what is released comes at moments of chance."""
        until(lambda: sum(self.caps_w()) > 880.0)

    def status(self) -> dict[str, Any]:
        answer = self.program.ask("one", "status", "--json")
        assert answer.returncode == 0, answer.stderr
        found: dict[str, Any] = json.loads(answer.stdout)
        return found

    def refused(self, refusal: Refusal) -> int:
        return int(self.status()["refused"].get(refusal.value, 0))

    def last(self, node: str) -> Report:
        found = read_report(self.watcher.payloads(f"{node}/power")[-1], node)
        assert isinstance(found, Report)
        return found


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    folder = tmp_path_factory.mktemp("hall")
    mosquitto = Mosquitto(folder)
    mosquitto.start()
    (folder / "hall.toml").write_text(FILE.format(url=mosquitto.url), encoding="utf-8")
    program = Coordinators(folder, {})
    program.start("one")
    hall = Hall(mosquitto, program, Watcher(mosquitto.port))
    try:
        hall.open()
        yield hall
        assert "Traceback" not in (folder / "one.log").read_text(encoding="utf-8")
    finally:
        hall.close()
        hall.watcher.close()
        for process in program.running.values():
            process.kill()
            process.wait()
        mosquitto.kill()


@pytest.fixture
def unchanged(hall: Hall) -> Iterator[Hall]:
    """No cap changes, no alarm and no emergency begins, and the same one leads."""
    hall.settle()
    caps_w, before = hall.caps_w(), hall.status()
    yield hall
    time.sleep(CYCLE_S)
    after = hall.status()
    assert hall.caps_w() == caps_w
    for key in ("term", "alarms", "emergencies", "leads"):
        assert after[key] == before[key]


def refused_by_coordinator(hall: Hall, topic: str, payload: bytes, refusal: Refusal, *options: str) -> None:
    before = hall.refused(refusal)
    hall.mosquitto.publish(topic, payload, *options)
    until(lambda: hall.refused(refusal) > before)
    answer = hall.program.ask("one", "status")
    assert f" {refusal.value}\n" in answer.stdout


def refused_by_node(hall: Hall, payload: bytes, refusal: Refusal, *options: str) -> None:
    lease = hall.sides[1].lease
    before = lease.refused.get(refusal, 0)
    hall.mosquitto.publish(cap_topic("hall", "n1"), payload, *options)
    until(lambda: lease.refused.get(refusal, 0) > before)


def forged(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "node": "n1", "session": 2, "revision": Revision(1000, 1), "cap_w": 390.0, "until_ns": boot_clock_ns()
    }  # fmt: skip
    return encode(Grant(**(fields | changes)))


def test_a_forged_lease(unchanged: Hall) -> None:
    refused_by_node(unchanged, forged(session=77), Refusal.WRONG_SESSION)
    refused_by_node(unchanged, forged(cap_w=401.0), Refusal.ABOVE_PEAK)
    refused_by_node(unchanged, forged(until_ns=boot_clock_ns() + 10 * LEASE_NS), Refusal.FUTURE)
    refused_by_node(unchanged, forged(node="n2"), Refusal.WRONG_NODE)
    refused_by_node(unchanged, forged().replace(b"390.0", b"NaN"), Refusal.MALFORMED)


def test_a_replayed_lease(unchanged: Hall) -> None:
    grants = unchanged.watcher.payloads("n1/cap")
    first = next(payload for payload in grants if isinstance(read_grant(payload, "n1"), Grant))
    refused_by_node(unchanged, first, Refusal.OLD_REVISION)
    refused_by_node(unchanged, unchanged.watcher.payloads("n1/cap")[-1], Refusal.OLD_REVISION)


def test_a_forged_report(unchanged: Hall) -> None:
    payload = encode(unchanged.last("n1"))
    refused_by_coordinator(unchanged, report_topic("hall", "n2"), payload, Refusal.WRONG_NODE)
    more = replace(unchanged.last("n1"), session=99, lease_w=500.0)
    refused_by_coordinator(unchanged, report_topic("hall", "n1"), encode(more), Refusal.ABOVE_PEAK)
    longer = replace(unchanged.last("n1"), session=99, lease_left_ns=10 * LEASE_NS)
    refused_by_coordinator(unchanged, report_topic("hall", "n1"), encode(longer), Refusal.FUTURE)


def test_a_replayed_report(unchanged: Hall) -> None:
    first = unchanged.watcher.payloads("n1/power")[0]
    refused_by_coordinator(unchanged, report_topic("hall", "n1"), first, Refusal.OLD_REPORT)
    refused_by_coordinator(unchanged, report_topic("hall", "n1"), encode(unchanged.last("n1")), Refusal.OLD_REPORT)


def test_what_the_broker_kept(unchanged: Hall) -> None:
    """A coordinator that starts hears a retained report."""
    unchanged.mosquitto.publish(report_topic("hall", "n1"), encode(unchanged.last("n1")), "-r")
    unchanged.program.start("late")
    try:
        until(lambda: asked(unchanged.program, "late").get(Refusal.RETAINED.value) == 1)
    finally:
        late = unchanged.program.running.pop("late")
        late.kill()
        late.wait()


def asked(program: Coordinators, name: str) -> dict[str, int]:
    answer = program.ask(name, "status", "--json")
    found: dict[str, int] = json.loads(answer.stdout)["refused"] if answer.returncode == 0 else {}
    return found


def test_an_unknown_node(unchanged: Hall) -> None:
    ghost = replace(unchanged.last("n1"), node="ghost")
    refused_by_coordinator(unchanged, report_topic("hall", "ghost"), encode(ghost), Refusal.UNKNOWN_NODE)
    answer = unchanged.program.ask("one", "explain", "ghost")
    assert answer.returncode == 1
    assert "there is no node 'ghost' in the file; there are: n0, n1, n2" in answer.stderr


def test_watts_that_are_no_number(unchanged: Hall) -> None:
    good = encode(unchanged.last("n1"))
    watts = b'"watts":%s' % json.dumps(unchanged.last("n1").watts).encode()
    assert watts in good
    for bad in (b'"watts":NaN', b'"watts":-1', b'"watts":1e300', b'"watts":"120"', b'"watts":Infinity'):
        refused_by_coordinator(unchanged, report_topic("hall", "n1"), good.replace(watts, bad), Refusal.MALFORMED)


def test_what_is_no_message_at_all(unchanged: Hall) -> None:
    refused_by_coordinator(unchanged, report_topic("hall", "n1"), b"\xff\x00{", Refusal.MALFORMED)
    refused_by_coordinator(unchanged, report_topic("hall", "n1"), b" " * 5000, Refusal.TOO_LONG)


def test_an_emergency_that_is_none(unchanged: Hall) -> None:
    present = b'{"type":"signal","present":true}'
    grid = emergency_topic("hall", "hall", EmergencyKind.GRID)
    elsewhere = emergency_topic("hall", "elsewhere", EmergencyKind.GRID)
    refused_by_coordinator(unchanged, grid, b'{"type":"signal","present":true,"share":NaN}', Refusal.MALFORMED)
    refused_by_coordinator(unchanged, elsewhere, present, Refusal.UNKNOWN_GROUP)
    refused_by_coordinator(unchanged, grid.replace("/grid", "/flood"), present, Refusal.UNKNOWN_KIND)
    answer = unchanged.program.ask("one", "emergency", "grid", "elsewhere", "on")
    assert answer.returncode == 1
    assert "there is no group 'elsewhere' in the file; there are: hall" in answer.stderr
    for option, words in (("--share", "above 0 and up to 1"), ("--for", "up to a day")):
        for number in ("nan", "-1", "0", "1e9", "much"):
            answer = unchanged.program.ask("one", "emergency", "grid", "hall", "on", f"{option}={number}")
            assert answer.returncode == 2
            assert words in answer.stderr or f"is a number (here: {number})" in answer.stderr
            assert "Traceback" not in answer.stderr


def test_an_emergency_by_command_is_answered_shown_and_over(hall: Hall) -> None:
    answer = hall.program.ask("one", "emergency", "grid", "hall", "on", "--share", "0.5", "--for", "15")
    assert answer.returncode == 0, answer.stderr
    until(lambda: sum(hall.caps_w()) <= 450.0)
    until(lambda: hall.status()["emergencies"][0]["response_s"] is not None)
    (one,) = hall.status()["emergencies"]
    assert (one["kind"], one["group"], one["share"]) == ("grid", "hall", 0.5)
    assert one["response_s"] < 10.0
    told = hall.program.ask("one", "status").stdout
    assert "emergency: grid in hall for " in told
    assert "W counted of 450 W (its limit is 900 W)" in told
    until(lambda: not hall.status()["emergencies"][0]["present"])
    answer = hall.program.ask("one", "emergency", "grid", "hall", "off")
    assert "it ends in a minute" in answer.stdout
    answer = hall.program.ask("one", "emergency", "thermal", "hall", "off")
    assert "thermal in hall: there is none" in answer.stdout


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("limit_w = 900", "limit_w = 200", "groups.hall.limit_w: the base_w of its nodes are 300 W together"),
        ('nodes = ["n0"', 'groups = ["hall"]\nnodes = ["n0"', "hall is inside itself"),
        (
            "[nodes.n0]",
            '[groups.rack]\nkind = "rack"\nlimit_w = 500\nnodes = ["n0"]\n\n[nodes.n0]',
            "n0 is already in hall: what feeds it?",
        ),
        ("peak_w = 400", "peak_w = nan", "peak_w"),
    ],
    ids=["groups that do not add up", "a cycle", "two owners", "watts that are no number"],
)
@pytest.mark.parametrize("words", [("check", "--config"), ("--config",)], ids=["check", "start"])
def test_a_file_that_cannot_be_meant(tmp_path: Path, old: str, new: str, told: str, words: tuple[str, ...]) -> None:
    file = tmp_path / "hall.toml"
    file.write_text(FILE.format(url="mqtt://h").replace(old, new), encoding="utf-8")
    answer = Coordinators(tmp_path, {}).ask("one", *words, str(file))
    assert answer.returncode == 2
    assert "hall.toml:" in answer.stderr
    assert told.removeprefix("hall ") in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_good_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "hall.toml").write_text(FILE.format(url="mqtt://h"), encoding="utf-8")
    answer = Coordinators(tmp_path, {}).ask("one", "check", "--config", str(tmp_path / "hall.toml"))
    assert answer.returncode == 0, answer.stderr
    assert "site hall: 900 W for 3 nodes with bases of 300 W and peaks of 1200 W" in answer.stdout


def test_who_may_act() -> None:
    methods = CoordinatorMethods("hall", None, None, None)  # type: ignore[arg-type]
    assert methods.table()["emergency"].acts
    assert not methods.table()["status"].acts
    assert methods.may_act(Peer(0, "root"))
    assert methods.may_act(Peer(os.getuid(), "me"))
    assert not methods.may_act(Peer(os.getuid() + 4711, "stranger"))
