# SPDX-License-Identifier: Apache-2.0
"""What a new user sees with mosquitto_sub and does with mosquitto_pub."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent.demo_broker import DemoBroker
from agent.mqtt.event_key import key_of
from agent.mqtt.spooling import FOLDER
from agent.spool.cursor import Cursor
from agent.spool.files import Files
from agent.spool.log import CURSOR
from agent.spool.record import RecordClass
from tests.clients.demo import start_demo
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

QUIET_S = 1.2
"""Nothing acts in the first second after the board has subscribed (safety rule 19)."""


@pytest.fixture(scope="module", autouse=True)
def _the_quiet_second_is_over(demo: Demo) -> None:
    until(lambda: demo.status()["mqtt"]["subscribed"], demo.status)
    time.sleep(QUIET_S)


class Listener:
    """mosquitto_sub on every topic of the board, into a file."""

    def __init__(self, file: Path, base: str) -> None:
        self._file = file
        self._base = base

    def messages(self) -> list[tuple[str, str]]:
        """Topic below the board's base, and payload; binary payloads are left out."""
        whole, _, _ = self._file.read_bytes().rpartition(b"\n")
        pairs = [line.partition(b" ") for line in whole.split(b"\n") if line.startswith(f"{self._base}/".encode())]
        return [
            (topic.decode().removeprefix(f"{self._base}/"), payload.decode())
            for topic, _, payload in pairs
            if b"msgpack" not in topic
        ]

    def payloads(self, topic: str) -> list[Any]:
        return [json.loads(payload) for name, payload in self.messages() if name == topic]

    def until(self, what: str, seen: Callable[[], object]) -> None:
        until(seen, lambda: f"no {what} in {self.messages()}")

    def state(self, topic: str) -> Any:
        """The last document of this topic."""
        self.until(topic, lambda: self.payloads(topic))
        return self.payloads(topic)[-1]


@contextmanager
def listening(demo: Demo, file: Path, *options: str, online: bool = True) -> Iterator[Listener]:
    mqtt = demo.ready["mqtt"]
    command = ["mosquitto_sub", "-h", mqtt["host"], "-p", str(mqtt["port"]), "-t", "pgood/#", "-v", *options]
    with file.open("wb") as output:
        process = subprocess.Popen(command, stdout=output)
    try:
        listener = Listener(file, mqtt["base"])
        if online:
            listener.until("retained status", lambda: ("status", "online") in listener.messages())
        else:
            listener.until("word of our own", lambda: _hears(demo, listener))
        yield listener
    finally:
        process.terminate()
        process.wait(10)


def _hears(demo: Demo, listener: Listener) -> bool:
    """Whether it is subscribed: says something as long as that is not heard."""
    publish(demo, "test", "heard")
    return ("test", "heard") in listener.messages()


def publish(demo: Demo, topic: str, payload: str | bytes, *options: str) -> None:
    mqtt = demo.ready["mqtt"]
    topic = f"{mqtt['base']}/{topic}"
    command = ["mosquitto_pub", "-h", mqtt["host"], "-p", str(mqtt["port"]), "-t", topic, *options]
    content = payload.encode() if isinstance(payload, str) else payload
    subprocess.run([*command, "-s" if content else "-n"], input=content, check=True, timeout=20)


@pytest.mark.parametrize("version", ["311", "5"])
def test_states_and_telemetry(demo: Demo, tmp_path: Path, version: str) -> None:
    with listening(demo, tmp_path / "sub", "-V", f"mqttv{version}") as listener:
        listener.until("telemetry", lambda: len(listener.payloads("telemetry")) >= 2)
        topics = Counter(topic for topic, _ in listener.messages())
        for topic in ("info", "host/0/state", "psu/1/state", "psu/2/state", "redundancy/state"):
            assert topics[topic] >= 1, topics


def test_every_power_change_is_one_event(demo: Demo, tmp_path: Path) -> None:
    demo.pgood("power", "force-off")
    with listening(demo, tmp_path / "sub") as listener:
        listener.until("telemetry", lambda: listener.payloads("telemetry"))
        assert listener.state("host/0/state")["state"] == "off"
        assert set(listener.payloads("telemetry")[-1]["supplies"]) == {"1", "2"}
        demo.ipmitool("chassis", "power", "on")
        demo.until("on")
        demo.ipmitool("chassis", "power", "soft")
        demo.until("off")
        listener.until("two events", lambda: len(_power_events(listener)) >= 2)
        demo.pgood("power", "on")
        demo.pgood("power", "cycle")
        listener.until("five events", lambda: len(_power_events(listener)) >= 5)
        assert [event["kind"] for event in _power_events(listener)] == [
            "host.on",
            "host.off",
            "host.on",
            "host.off",
            "host.on",
        ]
        ids = [event["id"] for event in listener.payloads("event")]
        assert ids == sorted(set(ids))


def _power_events(listener: Listener) -> list[Any]:
    return [event for event in listener.payloads("event") if event["kind"].startswith("host.")]


def test_commands(demo: Demo, tmp_path: Path) -> None:
    demo.pgood("power", "force-off")
    seen = len(demo.events())
    publish(demo, "host/0/set", "ON")
    demo.until("on")
    publish(demo, "host/0/set", json.dumps({"action": "cycle", "id": "once"}))
    demo.until_told("host.on", seen, times=2)
    demo.until("on")
    seen = len(demo.events())
    publish(demo, "host/0/set", json.dumps({"action": "cycle", "id": "once"}))
    publish(demo, "host/0/set", "garbage")
    publish(demo, "host/0/set", b"\x00\xff\xfe")
    publish(demo, "host/9/set", "ON")
    publish(demo, "redundancy/set", json.dumps({"ranks": [1, 1]}))
    publish(demo, "redundancy/set", json.dumps({"ranks": [2, 1], "period_s": 86400}))
    until(lambda: demo.status()["documents"]["redundancy/state"]["period_s"] == 86400, demo.status)
    assert demo.status()["documents"]["redundancy/state"]["ranks"] == [2, 1]
    assert demo.status()["mqtt"]["refused_commands"] >= 4
    assert not [event for event in demo.events()[seen:] if event["kind"].startswith("host.")]
    publish(demo, "host/0/set", "OFF")
    demo.until("off")


def test_off_is_soft_and_a_host_that_ignores_it_stays_on(demo: Demo, tmp_path: Path) -> None:
    demo.pgood("power", "on")
    demo.pgood("sim", "host", "0", "ignore-soft-off")
    seen = len(demo.events())
    try:
        publish(demo, "host/0/set", "OFF")
        told = demo.until_told("host.soft_off_failed", seen)
        assert [event["kind"] for event in told if event["kind"].startswith("host.")] == ["host.soft_off_failed"]
        demo.until("on")
    finally:
        demo.pgood("sim", "host", "0", "normal")


def test_retained_commands_never_act(tmp_path: Path) -> None:
    """Neither when they are left there, nor when an agent meets them at its next start."""
    broker = DemoBroker.start(0, tmp_path / "broker")
    url = f"mqtt://127.0.0.1:{broker.port}"
    board = start_demo(tmp_path / "board", "--broker", url)
    try:
        publish(board, "host/0/set", "ON", "-r")
        until_refused(board)
        assert board.stop()[0] == 0
        board = start_demo(tmp_path / "board", "--broker", url)
        until_refused(board)
    finally:
        board.stop()
        broker.close()


def until_refused(board: Demo) -> None:
    until(lambda: board.status()["mqtt"]["refused_commands"], lambda: "the retained command was not even seen")
    assert board.status()["documents"]["host/0/state"]["state"] == "off"


def test_no_event_is_lost_when_agent_and_broker_are_killed(tmp_path: Path) -> None:
    """Events that nobody took are told at the next start, in order, each under its own id."""
    broker = DemoBroker.start(0, tmp_path / "broker")
    board = start_demo(tmp_path / "board", "--broker", f"mqtt://127.0.0.1:{broker.port}")
    try:
        board.pgood("power", "on")
        last = key_of(board.events()[-1]["id"])
        until(lambda: acknowledged(board) >= last, lambda: board.status()["mqtt"])
        broker.close()
        seen = len(board.events())
        board.pgood("power", "force-off")
        board.pgood("power", "on")
        board.until_told("host.on", seen)  # an event is on the disk a little after what it tells of
        board.process.kill()
        board.process.communicate(timeout=10)
        broker = DemoBroker.start(broker.port, tmp_path / "broker")
        with listening(board, tmp_path / "sub", online=False) as listener:
            board = start_demo(tmp_path / "board", "--broker", f"mqtt://127.0.0.1:{broker.port}")
            board.pgood("power", "on")  # the simulated host died with its agent
            listener.until("the last event", lambda: len(_power_events(listener)) >= 3)
            told = listener.payloads("event")
        kinds = [event["kind"] for event in told if event["kind"].startswith("host.")]
        assert kinds == ["host.off", "host.on", "host.on"]
        ids = [event["id"] for event in told]
        assert ids == sorted(set(ids))
        written = [event["id"] for event in board.events()]
        assert ids == written[written.index(ids[0]) : written.index(ids[-1]) + 1]
    finally:
        board.stop()
        broker.close()


def acknowledged(board: Demo) -> int:
    """How far the broker got, as the next start of a killed agent will know it."""
    return Cursor(board.state_dir / FOLDER / RecordClass.EVENT.value / CURSOR, Files()).key


def test_supply_events_and_states(demo: Demo, tmp_path: Path) -> None:
    demo.pgood("power", "on")
    with listening(demo, tmp_path / "sub") as listener:
        demo.pgood("sim", "supply", "2", "ac-off")
        listener.until("lost input", lambda: listener.state("psu/2/state")["health"] == "input-lost")
        demo.pgood("sim", "supply", "2", "ac-on")
        listener.until("input again", lambda: listener.state("psu/2/state")["health"] == "ok")

        def kinds() -> list[str]:
            return [event["kind"] for event in listener.payloads("event")]

        listener.until("end of the loss", lambda: "psu.power_restored" in kinds())
        listener.until("verdict", lambda: "redundancy.regained" in kinds())
        assert kinds().count("psu.power_lost") == 1
        assert kinds().count("psu.power_restored") == 1
        assert kinds().index("psu.power_lost") < kinds().index("redundancy.lost") < kinds().index("psu.power_restored")
