# SPDX-License-Identifier: Apache-2.0
"""The measurements: starts, imports, and one idle agent for each profile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.footprint.memory import resident_mb
from bench.footprint.running import prepare, start
from bench.footprint.watcher import wait_until_announced
from bench.ipmi.process import cpu_ns, family

if TYPE_CHECKING:
    from pathlib import Path

    from bench.footprint.running import Program

PROFILES: dict[str, tuple[str, ...]] = {
    "sim": ("sim",),
    "raspberry-pi-atx": ("raspberry-pi-atx", "--simulated"),
    "raspberry-pi-quad": ("raspberry-pi-quad", "--simulated"),
}
"""What follows `--profile`."""
POLLING = ("sim",)
"""Those with supplies, whose status is read ten times a second: the others wait for lines to change."""
IMPORTED = ("agent.cli.run", "agent.board.board", "agent.board.simulated_ground", "agent.mqtt.face")
"""What an agent with a broker imports, wherever the import statement is."""
IMPORTING = (
    "import time; began = time.perf_counter();"
    " from agent import late_modules; late_modules.delay();"
    " import {}; print((time.perf_counter() - began) * 1000)"
)


@dataclass(frozen=True)
class Idle:
    """An agent that has been left alone."""

    profile: str
    rss_mb: float
    cpu_percent: float
    processes: int

    @property
    def polls(self) -> bool:
        return self.profile in POLLING


def first_answer_s(program: Program, folder: Path, broker_port: int, number: int) -> float:
    """From the start of a process to its first answer, on the simulated board."""
    state = folder / f"start-{number}"
    running = start(program, PROFILES["sim"], state, prepare(program, state, f"bench-{number}", broker_port))
    running.stop()
    return running.first_answer_s


def import_ms(program: Program) -> float:
    """In a fresh interpreter, with compiled modules there."""
    return float(program.run("-c", IMPORTING.format(", ".join(IMPORTED))))


def idle(program: Program, profile: str, folder: Path, broker_port: int, idle_s: float) -> Idle:
    """Connected, announced, after one session; then alone for `idle_s`, CPU over the second half of it."""
    state = folder / f"idle-{profile}"
    running = start(program, PROFILES[profile], state, prepare(program, state, f"bench-{profile}", broker_port))
    try:
        wait_until_announced(broker_port, f"bench-{profile}")
        running.ask()
        time.sleep(idle_s / 2)
        began, before_ns = time.perf_counter(), cpu_ns(running.pid)
        time.sleep(idle_s / 2)
        share = (cpu_ns(running.pid) - before_ns) / 1e9 / (time.perf_counter() - began)
        return Idle(profile, resident_mb(running.pid), share * 100, len(family(running.pid)))
    finally:
        running.stop()
