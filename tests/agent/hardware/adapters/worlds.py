# SPDX-License-Identifier: Apache-2.0
"""Machines behind adapters, for the conformance test: on memory lines, and in a file that scripts change."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.board.lines import open_memory_lines
from agent.hardware.adapters.engine_lines import EngineLines
from agent.hardware.adapters.interface import Level, Surroundings
from agent.profile.load import find_profile, load_profile
from agent.sim.atx_host import HostPhase
from agent.sim.plant import Plant
from agent.sim.world import SimulatedWorld
from native import CommandDone, Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from agent.hardware.adapters.conformance import Finding
    from agent.profile.schema import Profile

PATIENCE_S = 20.0


def bad(findings: list[Finding]) -> list[str]:
    """What the conformance test objects to, in words."""
    return [f"{finding.name}: {finding.text}" for finding in findings if not finding.good]


async def until(holds: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, "never came"
        await asyncio.sleep(0.01)


class LineWorld:
    """The simulated ATX host of profile `sim` on memory lines. Its front panel is pressed as a finger would."""

    def __init__(self, folder: Path) -> None:
        text = find_profile("sim").read_text().split("[buses.main]")[0]
        file = folder / "lines.toml"
        file.write_text(text + '[lines.rail]\ndirection = "output"\nclass = "maintained"\n')
        self.profile: Profile = load_profile(file)
        self.lines = open_memory_lines(self.profile)
        assert self.lines.chip is not None
        self.chip = self.lines.chip
        self.plant = Plant(self.profile, time.monotonic_ns())
        self.world = SimulatedWorld(self.profile, self.plant, self.chip)
        self.engine_lines = EngineLines(self.lines.engine)
        self._driven = 0

    def around(self, place: str) -> Surroundings:
        return Surroundings(place, self.profile, self.engine_lines)

    @contextlib.contextmanager
    def running(self) -> Iterator[LineWorld]:
        """Inside a running loop."""
        loop = asyncio.get_running_loop()
        self.world.start()
        self.lines.engine.start()
        loop.add_reader(self.lines.engine.fileno(), self._events)
        try:
            yield self
        finally:
            loop.remove_reader(self.lines.engine.fileno())
            self.world.close()
            self.lines.close()

    def _events(self) -> None:
        for event in self.lines.engine.events():
            if isinstance(event, CommandDone) and event.outcome is not Outcome.REFUSED:
                self._driven += 1
            self.engine_lines.feed(event)

    async def become(self, level: Level) -> None:
        """Off by losing its power, on by a finger."""
        if await self.level() is level and self.plant.hosts["0"].phase is not HostPhase.SHUTTING_DOWN:
            return
        self.world.happen(["host", "0", "crash"])
        if level is Level.ON:
            for active in (True, False):
                self.plant.power_button("0", active, time.monotonic_ns())
                self.world.advance()
                await asyncio.sleep(0.1)
        await until(lambda: self.plant.power_good("0") is (level is Level.ON))

    async def level(self) -> Level:
        return Level.ON if self.plant.power_good("0") else Level.OFF

    async def commands(self) -> int:
        return self._driven

    async def cut(self) -> bool:
        return False

    async def mend(self) -> None:
        """Nothing was cut."""


SCRIPT = """\
#!/bin/sh
# The machine is a file; each command is a line of another one.
state={folder}/state
case "$1" in
sense) sleep "$(cat {folder}/sense-delay)"; [ -e {folder}/cut ] && {{ echo "no route to machine" >&2; exit 7; }}
       grep -q on "$state" ;;
*) [ -e {folder}/cut ] && {{ echo "no route to machine" >&2; exit 7; }}
   echo "$1" >> {folder}/commands
   [ -e {folder}/fail-once ] && {{ rm {folder}/fail-once; echo "try later" >&2; exit 4; }}
   [ -e {folder}/deaf ] && exit 0
   case "$1" in on) echo on > "$state.new" ;; off|soft_off) echo off > "$state.new" ;; *) exit 0 ;; esac
   mv "$state.new" "$state" ;;  # whole for whoever reads it
esac
"""


@dataclass
class FileWorld:
    """A machine that is a file, switched by a real shell script."""

    folder: Path

    def __post_init__(self) -> None:
        self.script = self.folder / "machine"
        self.script.write_text(SCRIPT.format(folder=self.folder))
        self.script.chmod(self.script.stat().st_mode | stat.S_IXUSR)
        (self.folder / "state").write_text("off\n")
        (self.folder / "sense-delay").write_text("0\n")
        (self.folder / "commands").write_text("")

    async def become(self, level: Level) -> None:
        (self.folder / "by-hand").write_text(f"{level.value}\n")
        (self.folder / "by-hand").replace(self.folder / "state")

    async def level(self) -> Level:
        return Level((self.folder / "state").read_text().strip())

    async def commands(self) -> int:
        return len((self.folder / "commands").read_text().splitlines())

    async def cut(self) -> bool:
        (self.folder / "cut").touch()
        return True

    async def mend(self) -> None:
        (self.folder / "cut").unlink()


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await story()

    asyncio.run(run())
