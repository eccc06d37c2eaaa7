# SPDX-License-Identifier: Apache-2.0
"""A hall of machines: each a simulated board with an agent of its own, a fake processor package, and a load.

The plant plays all packages: what a machine draws follows its load and the limit that its agent has set, and its
energy counters count it. Everything between is real: agents, broker, coordinators are processes.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from agent.control.client import AgentUnreachable, Refused, call
from tests.agent.board.fleet.rig import HOST
from tests.agent.energy.sysfs_tree import UW, SysfsTree
from tests.agent.mqtt.brokers import Watcher
from tests.clients.demo import PGOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from paho.mqtt.client import Client, MQTTMessage

BASE_W, PEAK_W = 100.0, 400.0
TICK_S = 0.2
BEHIND_OTHERS = ("nice", "-n", "10")
"""Fifty agents that start must not hold up the tests beside this one."""
SITE = """\
[board]
id = "{name}"
[self]
[mqtt]
url = "{url}"
[fleet]
segment = "hall"
node = "{name}"
base_w = {base_w:g}
peak_w = {peak_w:g}
[energy]
zone = "UTC"
min_w = 60
max_w = {peak_w:g}
look_s = 1
sysfs = "{folder}/sys"
proc = "{folder}/proc"
actuator = {{ kind = "powercap" }}
"""


class Machine:
    """One folder, one agent, one load."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        self.name = name
        self.load_w = BASE_W
        self.watts = BASE_W
        self.cap_w = PEAK_W
        """What the package keeps; as it was found, until an agent sets it."""
        self._folder = folder
        self._energy_j = 10.0
        self._tree = SysfsTree(folder / "sys")
        (folder / "proc").mkdir()
        self._tree.control_type()
        self._package = self._tree.package(0, PEAK_W, PEAK_W)
        self._system = self._tree.package(1, PEAK_W, PEAK_W)
        self._tree.write(f"{self._system}/name", "psys")
        (folder / "machine.toml").write_text(HOST)
        site = SITE.format(name=name, url=url, folder=folder, base_w=BASE_W, peak_w=PEAK_W)
        (folder / "site.toml").write_text(site)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["run", "--profile", str(self._folder / "machine.toml"), "--config", str(self._folder / "site.toml")]
        with (self._folder / "agent.log").open("ab") as told:
            self.process = subprocess.Popen(
                [*BEHIND_OTHERS, PGOOD, *words, "--state-dir", str(self._folder / "state")], stdout=told, stderr=told
            )

    def said(self) -> str:
        return (self._folder / "agent.log").read_text()

    def step(self, elapsed_s: float) -> None:
        """The package settles at its limit; what it drew is counted."""
        with suppress(ValueError):  # the agent is writing it
            self.cap_w = int(self._tree.read(f"{self._package}/constraint_0_power_limit_uw")) / UW
        self.watts = min(self.load_w, self.cap_w)
        self._energy_j += self.watts * elapsed_s
        for zone in (self._package, self._system):
            self._tree.write(f"{zone}/energy_uj", round(self._energy_j * UW))


@dataclass
class Coordinators:
    """Processes on one file, by name."""

    folder: Path
    file: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        words = ["coordinator", "--config", str(self.file), "--state-dir", str(self.folder / name)]
        with (self.folder / f"{name}.log").open("ab") as told:
            self.running[name] = subprocess.Popen([PGOOD, *words], stdout=told, stderr=told)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def status(self, name: str) -> dict[str, Any] | None:
        """None while it does not answer."""
        try:
            found: dict[str, Any] = call(self.folder / name / "pgood.sock", "status")
        except (AgentUnreachable, Refused, OSError):
            return None
        return found

    def leader(self) -> str | None:
        for name in list(self.running):
            found = self.status(name)
            if found is not None and found["leads"]:
                return name
        return None

    def stop(self) -> dict[str, int]:
        """Exit codes."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        return {name: process.wait(20) for name, process in self.running.items()}

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


@dataclass
class Moment:
    """What was seen at one time: what each group draws and what it could draw by the caps in force."""

    at_s: float
    drawn_w: dict[str, float]
    capped_w: dict[str, float]


class Plant:
    """Runs every package in one thread and writes down what each group draws, and who leads in another."""

    def __init__(self, machines: Sequence[Machine], groups: dict[str, list[str]], leads: Callable[[], bool]) -> None:
        """`groups` name the machines below each."""
        self.moments: list[Moment] = []
        self.led: list[tuple[float, bool]] = []
        self._machines = {machine.name: machine for machine in machines}
        self._groups = groups
        self._leads = leads
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._play, self._ask)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def led_at_s(self) -> float:
        """When somebody was last found to lead."""
        return next((at_s for at_s, leads in reversed(self.led) if leads), 0.0)

    def longest_without_leader_s(self, since_s: float) -> float:
        """Between two looks that found somebody who leads."""
        return longest_gap_s([at_s for at_s, leads in self.led if leads and at_s >= since_s])

    def _play(self) -> None:
        before_s = time.monotonic()
        while not self._ended.wait(TICK_S):
            now_s = time.monotonic()
            for machine in self._machines.values():
                machine.step(now_s - before_s)
            before_s = now_s
            drawn_w = {
                name: self._sum(members, lambda machine: machine.watts) for name, members in self._groups.items()
            }
            capped_w = {
                name: self._sum(members, lambda machine: machine.cap_w) for name, members in self._groups.items()
            }
            self.moments.append(Moment(now_s, drawn_w, capped_w))

    def _ask(self) -> None:
        while not self._ended.wait(TICK_S):
            leads = self._leads()
            self.led.append((time.monotonic(), leads))

    def _sum(self, members: Sequence[str], of: Callable[[Machine], float]) -> float:
        return sum(of(self._machines[name]) for name in members)


class CapWatch(Watcher):
    """When leases were sent, as a client of the broker sees it."""

    def __init__(self, port: int) -> None:
        self.at_s: list[float] = []
        super().__init__(port, "cap-watch", "pgood/fleet/hall/+/cap")

    def _on_message(self, _client: Client, _data: object, _message: MQTTMessage) -> None:
        self.at_s.append(time.monotonic())


def longest_gap_s(moments_s: Sequence[float]) -> float:
    return max((later - earlier for earlier, later in pairwise(moments_s)), default=0.0)
