# SPDX-License-Identifier: Apache-2.0
"""`pgood coordinator` as processes, and machines that keep what they are given."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.agent.fleet.budget.capped import Capped

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[4]
FILE = """\
domain = "hall"

[mqtt]
url = "{url}"

[groups.hall]
kind = "site"
limit_w = 900
nodes = ["n0", "n1", "n2"]

[nodes.n0]
priority = "critical"
base_w = 100
peak_w = 400

[nodes.n1]
priority = "research"
base_w = 100
peak_w = 400

[nodes.n2]
priority = "research"
base_w = 100
peak_w = 400
"""


@dataclass
class Machine(Capped):
    """Draws a part of what it may."""

    part: float = 1.0

    def watts(self) -> float | None:
        return self.part * self.kept_w


@dataclass
class Coordinators:
    """Processes, by their state directories."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]]
    frozen: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def freeze(self, name: str) -> None:
        self.frozen[name] = self.running.pop(name)
        self.frozen[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self.frozen[name].send_signal(signal.SIGCONT)
        self.running[name] = self.frozen.pop(name)

    def start(self, name: str, file: Path | None = None) -> None:
        with (self.folder / f"{name}.log").open("ab") as told:
            self.running[name] = subprocess.Popen(
                self.words(name, "--config", str(file or self.folder / "hall.toml")), stderr=told, env=environment()
            )

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def words(self, name: str, *more: str) -> list[str]:
        return [sys.executable, "-m", "agent", "coordinator", "--state-dir", str(self.folder / name), *more]

    def ask(self, name: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.words(name, *more), capture_output=True, text=True, timeout=60, env=environment())

    async def status(self, name: str) -> dict[str, object]:
        answer = await asyncio.to_thread(self.ask, name, "status", "--json")
        found: dict[str, object] = json.loads(answer.stdout) if answer.returncode == 0 else {"leads": False}
        return found

    async def leader(self) -> str:
        while True:
            for name, process in self.running.items():
                if process.poll() is None and (await self.status(name))["leads"]:
                    return name
            await asyncio.sleep(0.2)


def environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
