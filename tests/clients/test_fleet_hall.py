# SPDX-License-Identifier: Apache-2.0
"""Fifty agents and two coordinators on one mosquitto: in the midst of a surge the leader is killed, then the broker.

PGOOD_MACHINES sets how many agents there are.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent.fleet.budget.timing import Timing
from tests.agent.mqtt.brokers import Mosquitto
from tests.clients.demo import PGOOD
from tests.clients.hall import BASE_W, PEAK_W, CapWatch, Coordinators, Machine, Plant, longest_gap_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.client

MACHINES = int(os.environ.get("PGOOD_MACHINES", "50"))
RACK = 10
CALM_W, SURGE_W = 180.0, 0.97 * PEAK_W
PRIORITIES = ("critical", "production", "production", "research", "research")
PATIENCE_S = 240.0
"""Fifty agents start on whatever machine this is; never a measure of anything."""
ROUNDING_W = 1.0


class Hall:
    """Everything that runs."""

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder)
        self.names = [f"n{number:02}" for number in range(MACHINES)]
        self.racks = {f"rack{at}": self.names[at * RACK : (at + 1) * RACK] for at in range(-(-MACHINES // RACK))}
        self.limits_w = {name: len(members) * PEAK_W / 1.05 for name, members in self.racks.items()}
        self.limits_w["hall"] = MACHINES * PEAK_W / 1.25
        self.file = folder / "hall.toml"
        self.file.write_text(self._file())
        self.machines = []
        for name in self.names:
            (folder / name).mkdir()
            self.machines.append(Machine(name, folder / name, self.broker.url))
        self.coordinators = Coordinators(folder, self.file)
        groups = {**self.racks, "hall": self.names}
        self.plant = Plant(self.machines, groups, lambda: self.coordinators.leader() is not None)

    def start(self) -> None:
        self.broker.start()
        for name in ("first", "second"):
            self.coordinators.start(name)
        self.plant.start()
        for machine in self.machines:
            machine.start()

    def drawn_w(self) -> float:
        return sum(machine.watts for machine in self.machines)

    def load(self, watts: float) -> None:
        for machine in self.machines:
            machine.load_w = watts

    def until(self, holds: Callable[[], bool], what: str) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < until_s, f"never came: {what}"
            dead = [machine for machine in self.machines if machine.process and machine.process.poll() is not None]
            assert not dead, dead[0].said()
            time.sleep(0.1)

    def close(self) -> None:
        running = [machine.process for machine in self.machines if machine.process is not None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        self.coordinators.stop()
        self.plant.close()
        self.broker.kill()

    def seen(self) -> dict[str, Any]:
        """What somebody at another machine sees, when every machine is measured and keeps its cap."""
        words = [PGOOD, "fleet", "--url", self.broker.url, "--json"]
        while True:
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
            told: dict[str, Any] = json.loads(done.stdout)
            if all(row["watts"] is not None and row["proven"] for row in told["nodes"]):
                return told

    def _file(self) -> str:
        parts = [f'domain = "hall"\n[mqtt]\nurl = "{self.broker.url}"']
        parts.append(group("hall", "site", self.limits_w["hall"], groups=list(self.racks)))
        parts += [group(name, "rack", self.limits_w[name], nodes=members) for name, members in self.racks.items()]
        for at, name in enumerate(self.names):
            values = {"priority": PRIORITIES[at % len(PRIORITIES)], "base_w": BASE_W, "peak_w": PEAK_W}
            parts.append(table(f"nodes.{name}", {**values, "falls_back": True}))
        return "\n".join(parts)


def group(name: str, kind: str, limit_w: float, **members: list[str]) -> str:
    return table(f"groups.{name}", {"kind": kind, "limit_w": limit_w, **members})


def table(name: str, values: dict[str, object]) -> str:
    """JSON's values are TOML's, too."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())])


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path)
    try:
        hall.start()
        yield hall
    finally:
        hall.close()


def test_no_limit_is_exceeded_while_leader_and_broker_are_killed(hall: Hall) -> None:
    hall.load(CALM_W)
    hall.until(lambda: all(machine.cap_w < PEAK_W for machine in hall.machines), "every agent keeps a cap")
    began_s = time.monotonic()
    hall.until(lambda: all(machine.watts == CALM_W for machine in hall.machines), "everybody has what it wants")
    assert hall.coordinators.leader() is not None

    caps = CapWatch(hall.broker.port)
    hall.load(SURGE_W)
    critical = [machine for at, machine in enumerate(hall.machines) if at % len(PRIORITIES) == 0]
    hall.until(lambda: all(machine.watts == SURGE_W for machine in critical), "critical machines get what they need")

    hall.until(lambda: len(caps.at_s) >= MACHINES, "leases are sent")

    leader = hall.coordinators.leader()
    assert leader is not None
    hall.coordinators.kill(leader)
    killed_s = time.monotonic()
    hall.until(lambda: hall.plant.led_at_s() > killed_s + 1, "the other one leads")
    leaderless_s = hall.plant.longest_without_leader_s(killed_s - 1)
    hall.coordinators.start(leader)
    hall.until(lambda: caps.at_s[-1] > killed_s + leaderless_s, "the other one sends leases")

    hall.until(lambda: hall.drawn_w() > 0.9 * hall.limits_w["hall"], "what there is, is used")
    broken_s = time.monotonic()
    hall.broker.kill()
    time.sleep(2.0)
    hall.broker.start()
    hall.until(lambda: caps.at_s[-1] > broken_s + 2, "leases are sent again")
    hall.until(lambda: hall.drawn_w() > 0.9 * hall.limits_w["hall"], "what there is, is used")
    ended_s = time.monotonic()
    caps.close()

    seen = [moment for moment in hall.plant.moments if began_s <= moment.at_s <= ended_s]
    used = {name: max(moment.capped_w[name] for moment in seen) / limit_w for name, limit_w in hall.limits_w.items()}
    gap_s = longest_gap_s([at_s for at_s in caps.at_s if at_s <= ended_s])
    parts = ", ".join(f"{name} {part:.3f}" for name, part in used.items())
    print(f"{MACHINES} agents: {leaderless_s:.1f} s without a leader, {gap_s:.1f} s without a lease; of limits {parts}")
    assert all(hall.limits_w[name] * part <= hall.limits_w[name] + ROUNDING_W for name, part in used.items()), used
    assert gap_s <= Timing().lease_s + Timing().cycle_s

    told = hall.seen()
    assert sorted(row["node"] for row in told["nodes"]) == hall.names
    assert {row["priority"] for row in told["nodes"]} == set(PRIORITIES)
    assert {row["group"]: row["fresh"] for row in told["groups"]} == dict.fromkeys([*hall.racks, "hall"], True)
    assert not told["refused"]
