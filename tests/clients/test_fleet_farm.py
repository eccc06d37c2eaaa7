# SPDX-License-Identifier: Apache-2.0
"""A coordinator with a farm and three machines, all real processes: one sleeps, work comes, and it is woken for it."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.demo import PGOOD
from tests.clients.fleet_world import PORT, World
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.client

FILE = """\
domain = "farm"

[mqtt]
url = "mqtt://{broker}:{port}"

[farm]
round_s = 10
stay_s = 10
idle_cpu = 1                     # of the computer that the test runs on
idle_s = 0
random_per_month = 0

[farm.nodes.ant]
segment = "hall"
memory = 100

[farm.nodes.bee]
segment = "hall"
memory = 100
pinned = "it runs the backups"

[farm.nodes.cat]
segment = "hall"
memory = 100
"""


class Coordinator:
    """One process in the middle, which may be killed and started again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._file = world.folder / "farm.toml"
        self._file.write_text(FILE.format(broker=world.middle, port=PORT))
        self._state_dir = world.folder / "coordinator"
        self.log = world.folder / "coordinator.log"
        self.process = self._start()

    def restart(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def farm(self) -> dict[str, Any]:
        """What it says; empty while it does not lead."""
        done = self.ask("farm", "--json")
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return found if found.get("leads") else {}

    def why(self, node: str) -> str:
        return next((str(one["why"]) for one in self.farm().get("nodes", []) if one["node"] == node), "")

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [PGOOD, "coordinator", "--state-dir", str(self._state_dir), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [PGOOD, "coordinator", "--config", str(self._file), "--state-dir", str(self._state_dir)]
        return self._world.segments.middle.start(command, self.log)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, {"hall": ("ant", "bee", "cat")})
    yield world
    world.close()


def targets(world: World, name: str) -> list[dict[str, Any]]:
    return [said for topic, said in world.told() if topic == f"pgood/fleet/hall/{name}/target"]


def test_a_spare_machine_sleeps_and_is_woken_when_work_comes(world: World) -> None:
    coordinator = Coordinator(world)
    ant = world.machines["ant"]
    ant.arm()
    for machine in world.machines.values():
        machine.use_memory(0.3)
        machine.boot()
    world.want(world.machines["cat"], "up", 1)  # a person keeps it up

    until(ant.went.exists, lambda: (coordinator.log.read_text(), ant.report))
    ant.stop(signal.SIGKILL)
    (spare,) = targets(world, "ant")
    assert (spare["target"], spare["revision"], spare["asked_by"]) == ("down", 1, "automation")
    assert spare["reason"] == "spare: it is not needed"
    until(lambda: "person" in coordinator.why("cat"), lambda: coordinator.ask("farm").stdout)
    assert coordinator.why("bee") == "pinned: it runs the backups"

    coordinator.restart()
    world.say("pgood/fleet/farm/demand/batch", {"type": "demand", "source": "batch", "memory": 120, "for_s": 600})
    world.say("pgood/fleet/farm/demand/evil", {"type": "demand", "source": "evil", "memory": -1, "for_s": 600})
    until(lambda: ant.card.heard, lambda: (coordinator.log.read_text(), coordinator.ask("farm").stdout))
    ant.boot()
    ant.until_it_says("up", start=2, condition="on", revision=2)
    last = targets(world, "ant")[-1]
    assert (last["target"], last["revision"], last["asked_by"]) == ("up", 2, "automation")
    assert last["reason"] == "demand: too little memory for what is asked"

    until(lambda: "refused: 1 malformed" in coordinator.ask("farm").stdout, lambda: coordinator.ask("farm").stdout)
    assert "waiting: batch asks for memory 120" in coordinator.ask("farm").stdout
    assert targets(world, "bee") == []
    assert len(targets(world, "cat")) == 1
    released = coordinator.ask("release", "cat")
    assert released.returncode == 0, released.stderr
    until(lambda: len(targets(world, "cat")) == 2, lambda: targets(world, "cat"))
    assert targets(world, "cat")[1] | {"reason": ""} == {
        "type": "target",
        "node": "cat",
        "target": "up",
        "revision": 2,
        "asked_by": "automation",
        "reason": "",
    }
    refused = coordinator.ask("release", "dog")
    assert refused.returncode == 1
    assert "there are: ant, bee, cat" in refused.stderr
    coordinator.process.terminate()
    assert coordinator.process.wait(30) == 0
    assert "Traceback" not in coordinator.log.read_text()
