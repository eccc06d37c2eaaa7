# SPDX-License-Identifier: Apache-2.0
"""Real agents in two segments with a real broker: one machine sleeps and is woken by packets, whoever is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.demo_broker.broker import find_mosquitto
from tests.clients.demo import PGOOD
from tests.clients.segments import ETHTOOL, Segments, WakeCard, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

pytestmark = pytest.mark.client

ROOT = Path(__file__).parents[2]
PORT = 1883
TAKEOVER_S = 4
SITE = """\
[board]
id = "{name}"

[self]

[mqtt]
url = "mqtt://{broker}:{port}"

[fleet]
segment = "{segment}"
target = true
users_command = ["true"]

[fleet.times]
awake_s = 15
settle_s = 2
takeover_s = {takeover_s}
boot_s = 10
"""
PROFILE = """\
schema = 1
name = "own"

[board]

[adapters.os]
kind = "command"
soft_off = ["touch", "{went}"]
sense = ["true"]

[[hosts]]
name = "os"
controls = {{ soft_off = "os", sense = "os" }}
"""


class Machine:
    """A computer with a card: off, or on with its agent."""

    def __init__(self, world: World, segment: str, name: str) -> None:
        self.name = name
        self._world = world
        self._folder = world.folder / name
        self._folder.mkdir()
        self.went = self._folder / "went"
        self.place, self.address, self.mac = world.segments.machine(segment, name)
        self.card = WakeCard(self.place, self._folder / "card.log")
        broker = world.segments.address(segment)
        site = SITE.format(name=name, segment=segment, broker=broker, port=PORT, takeover_s=TAKEOVER_S)
        (self._folder / "site.toml").write_text(site)
        (self._folder / "own.toml").write_text(PROFILE.format(went=self.went))
        self.topic = f"pgood/fleet/{segment}/{name}"
        self.agent: subprocess.Popen[bytes] | None = None

    def arm(self) -> None:
        """What only watches never shuts its machine down."""
        self.place.run(PGOOD, "arm", "--state-dir", str(self._folder / "state"))

    def boot(self) -> None:
        options = ["--profile", str(self._folder / "own.toml"), "--config", str(self._folder / "site.toml")]
        command = [PGOOD, "run", *options, "--state-dir", str(self._folder / "state")]
        path = f"{self._world.programs}:{os.environ['PATH']}"
        self.agent = self.place.start(command, self.log, {**os.environ, "PATH": path})

    def stop(self, how: signal.Signals) -> None:
        assert self.agent is not None
        self.agent.send_signal(how)

    @property
    def log(self) -> Path:
        return self._folder / "agent.log"

    @property
    def report(self) -> dict[str, Any]:
        """The last one."""
        told = [content for topic, content in self._world.told() if topic == f"{self.topic}/report"]
        return told[-1] if told else {}

    def says(self, state: str, **more: object) -> bool:
        wanted = {"state": state, **more}
        return wanted.items() <= self.report.items()

    def until_it_says(self, state: str, **more: object) -> None:
        until(lambda: self.says(state, **more), lambda: (self.report, self.log.read_text()))


class World:
    """Two segments, and a broker in the middle that both reach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        (self.programs / "ethtool").write_text(ETHTOOL)
        (self.programs / "ethtool").chmod(0o755)
        self.segments = Segments(folder, ["hall", "attic"])
        self._told = folder / "told.log"
        self._broker()
        self.machines = {
            name: Machine(self, segment, name)
            for segment, names in (("hall", ("ant", "bee", "cat", "dog")), ("attic", ("eel", "fox")))
            for name in names
        }

    def _broker(self) -> None:
        program = find_mosquitto()
        assert program is not None
        middle, log = self.segments.middle, self.folder / "mosquitto.log"
        listeners = [f"listener {PORT} {self.segments.address(segment)}\n" for segment in ("hall", "attic")]
        config = self.folder / "mosquitto.conf"
        config.write_text("".join([*listeners, "allow_anonymous true\n", "user root\n" if os.geteuid() == 0 else ""]))
        middle.start([program, "-c", str(config)], log)
        until(lambda: log.exists() and "running" in log.read_text(), log.read_text)
        all_of_it = ["mosquitto_sub", "-h", self.segments.address("hall"), "-q", "1", "-t", "pgood/fleet/#"]
        middle.start([*all_of_it, "-F", "%t %p"], self._told)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything that was said in the fleet, in order."""
        whole, _, _ = self._told.read_text().rpartition("\n")
        found = []
        for line in whole.splitlines():
            topic, _, content = line.partition(" ")
            if content.startswith("{"):
                found.append((topic, json.loads(content)))
        return found

    def want(self, machine: Machine, target: str, revision: int) -> None:
        """As its owner, a person."""
        document = {"type": "target", "node": machine.name, "target": target, "revision": revision}
        self.segments.middle.run(
            *["mosquitto_pub", "-h", self.segments.address("hall"), "-r", "-q", "1", "-s"],
            *["-t", f"{machine.topic}/target"],
            given=json.dumps({**document, "asked_by": "person"}),
        )

    def bursts(self) -> list[tuple[str, int]]:
        """Who said that it has sent, in which attempt."""
        return [(said["sender"], said["attempt"]) for topic, said in self.told() if topic.endswith("/wake")]

    def close(self) -> None:
        self.segments.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def order(senders: list[str], node: str, attempt: int) -> list[str]:
    """As the page says: by a hash of names and attempt."""
    return sorted(senders, key=lambda sender: hashlib.sha256(f"{sender}\n{node}\n{attempt}".encode()).digest())


def test_a_sleeping_machine_is_woken_by_one_sender_of_its_segment_at_a_time(world: World) -> None:
    machines, dog = world.machines, world.machines["dog"]
    packet = b"\xff" * 6 + bytes.fromhex(dog.mac.replace(":", "")) * 16
    assert len(packet) == 102
    dog.arm()
    for machine in machines.values():
        machine.boot()
    for machine in machines.values():
        machine.until_it_says("up", able=True)

    world.want(dog, "down", 1)
    until(dog.went.exists, lambda: (dog.report, dog.log.read_text()))
    assert dog.says("down", last=True), "it goes after its last report"
    dog.stop(signal.SIGKILL)
    assert all(machine.card.heard == [] for machine in machines.values())

    # Who is first in order is frozen: it neither sends nor says so, and the next one takes over.
    first, second, _ = order(["ant", "bee", "cat"], "dog", 0)
    machines[first].stop(signal.SIGSTOP)
    asked_s = time.monotonic()
    world.want(dog, "up", 2)
    until(lambda: dog.card.heard, lambda: machines[second].log.read_text())
    assert time.monotonic() - asked_s >= TAKEOVER_S
    machines[first].stop(signal.SIGKILL)
    until(lambda: len(dog.card.heard) == 10, lambda: dog.card.heard)
    assert dog.card.heard == [(machines[second].address, packet)] * 10
    assert world.bursts() == [(second, 0)]

    # Nobody came up. Those that are left try again, and now the card wakes the machine.
    left = [name for name in ("ant", "bee", "cat") if name != first]
    third = order(left, "dog", 1)[0]
    until(lambda: len(dog.card.heard) > 10, world.bursts)
    assert dog.card.heard[10] == (machines[third].address, packet)
    dog.boot()
    dog.until_it_says("up", start=2, condition="on")
    until(lambda: len(dog.card.heard) >= 20, lambda: dog.card.heard)

    # It is up: nobody sends any more. Of all that was sent each segment heard its own, once.
    time.sleep(2 * TAKEOVER_S)
    assert world.bursts() == [(second, 0), (third, 1)]
    expected = Counter({(machines[second].address, packet): 10}) + Counter({(machines[third].address, packet): 10})
    for name in ("dog", *left):
        assert Counter(machines[name].card.heard) == expected, name
    assert machines["eel"].card.heard == machines["fox"].card.heard == []
    assert machines["eel"].says("up")
    for machine in machines.values():
        assert "Traceback" not in machine.log.read_text()
