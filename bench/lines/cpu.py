# SPDX-License-Identifier: Apache-2.0
"""What the line engine costs while nothing happens: processor time of the whole process, in percent of one core.

Runs in a process of its own, which sleeps meanwhile: `python -m bench.lines.cpu edges_at_rest|poll_1khz_8`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from native import EngineConfig, InputLine, LineEngine, MemoryChip, ThreadConfig

SPAN_S = 2.0
SETTLE_S = 0.2
ROOT = Path(__file__).resolve().parents[2]
LINES: dict[str, tuple[int, int | None]] = {"edges_at_rest": (32, None), "poll_1khz_8": (8, 1000)}
"""How many lines, and how often (us) each is polled."""


BARE_WAKES = ROOT / "build" / "bench" / "bare_wakes"


def build() -> None:
    """Compile the thread that only wakes. Raises subprocess.CalledProcessError."""
    BARE_WAKES.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-std=c11", "-O2", "-D_GNU_SOURCE", "bench/lines/bare_wakes.c", "-o", str(BARE_WAKES)]
    subprocess.run(command, cwd=ROOT, check=True)


def bare_wakes_percent() -> float:
    """What waking 1000 times a second costs by itself."""
    done = subprocess.run([str(BARE_WAKES)], capture_output=True, text=True, timeout=60, check=True)
    return float(done.stdout)


def cpu_percent(variant: str) -> float:
    """One sample, from a fresh process."""
    command = [sys.executable, "-m", "bench.lines.cpu", variant]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    return float(done.stdout)


def _measure(variant: str) -> float:
    count, poll_us = LINES[variant]
    names = [f"line{number}" for number in range(count)]
    with MemoryChip(names) as chip:
        inputs = tuple(InputLine(name, chip.line(name), poll_us=poll_us) for name in names)
        with LineEngine(EngineConfig(inputs=inputs), ThreadConfig(fifo_priority=50)) as engine:
            time.sleep(SETTLE_S)
            engine.events()
            before_s, began_s = time.process_time(), time.monotonic()
            time.sleep(SPAN_S)
            return (time.process_time() - before_s) / (time.monotonic() - began_s) * 100


if __name__ == "__main__":
    print(_measure(sys.argv[1]))
