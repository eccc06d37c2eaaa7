# SPDX-License-Identifier: Apache-2.0
"""Computers with real agents in segments of their own, and a real broker that all reach."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from agent.demo_broker.broker import find_mosquitto
from tests.clients.demo import PGOOD
from tests.clients.segments import ETHTOOL, Segments, WakeCard
from tests.patience import until

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PORT = 1883
TAKEOVER_S = 6
KEPT_WITHIN_S = 30
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
boot_s = 16
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
        self._meminfo = self._folder / "meminfo"
        self.use_memory(0.1)
        self.place.run("mount", "--bind", str(self._meminfo), "/proc/meminfo")
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

    def use_memory(self, share: float) -> None:
        """What its kernel will say of it."""
        self._meminfo.write_text(f"MemTotal: 100000 kB\nMemAvailable: {round(100000 * (1 - share))} kB\n")

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
    """Segments, and a broker in the middle that all reach."""

    def __init__(self, folder: Path, segments: Mapping[str, Sequence[str]]) -> None:
        """The names of the machines of each."""
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        (self.programs / "ethtool").write_text(ETHTOOL)
        (self.programs / "ethtool").chmod(0o755)
        self.segments = Segments(folder, list(segments))
        self.middle = self.segments.address(next(iter(segments)))
        self._told = folder / "told.log"
        self._broker([self.segments.address(segment) for segment in segments])
        self.machines = {name: Machine(self, segment, name) for segment, names in segments.items() for name in names}

    def _broker(self, addresses: Sequence[str]) -> None:
        program = find_mosquitto()
        assert program is not None
        middle, log = self.segments.middle, self.folder / "mosquitto.log"
        listeners = [f"listener {PORT} {address}\n" for address in addresses]
        config = self.folder / "mosquitto.conf"
        config.write_text("".join([*listeners, "allow_anonymous true\nuser root\n"]))
        middle.start([program, "-c", str(config)], log)
        until(lambda: log.exists() and "running" in log.read_text(), log.read_text)
        all_of_it = ["mosquitto_sub", "-h", self.middle, "-q", "1", "-t", "pgood/fleet/#"]
        middle.start([*all_of_it, "-F", "%t %p"], self._told)
        self.say("pgood/fleet/world/begins", {})  # retained: heard as soon as it listens
        until(self.told, log.read_text)

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
        self.say(f"{machine.topic}/target", {**document, "asked_by": "person"})

    def say(self, topic: str, document: Mapping[str, object]) -> None:
        """Retained."""
        command = ["mosquitto_pub", "-h", self.middle, "-r", "-q", "1", "-s", "-t", topic]
        self.segments.middle.run(*command, given=json.dumps(document))

    def kept(self, topic: str) -> dict[str, Any]:
        """What the broker has on this topic at this moment."""
        command = ["mosquitto_sub", "-h", self.middle, "-q", "1", "-t", topic, "-C", "1", "-W", str(KEPT_WITHIN_S)]
        done = subprocess.run([*self.segments.middle.enter, *command], capture_output=True, text=True, timeout=60)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def bursts(self) -> list[tuple[str, int]]:
        """Who said that it has sent, in which attempt."""
        return [(said["sender"], said["attempt"]) for topic, said in self.told() if topic.endswith("/wake")]

    def gone_before_the_first_burst(self, machine: Machine) -> bool:
        """Whether the broker had missed it for so long by then that it said its last will."""
        said = self.told()
        burst = next((index for index, (topic, _) in enumerate(said) if topic.endswith("/wake")), len(said))
        return any(topic == f"{machine.topic}/alive" and what["type"] == "gone" for topic, what in said[:burst])

    def close(self) -> None:
        self.segments.close()
