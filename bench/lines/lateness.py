# SPDX-License-Identifier: Apache-2.0
"""How late 10 ms deadlines are met: by the machine at its best (cyclictest), the line engine, a plain Python loop."""

from __future__ import annotations

import re
import subprocess
import time
from itertools import pairwise

from native import CommandDone, EngineConfig, LineClass, LineEngine, MemoryChip, OutputLine, ThreadConfig

PERIOD_MS = 10
PRIORITY = 50
LOOPS = 300
WARM_UP = 10
"""Samples at the beginning that are thrown away, of every kind alike."""
SAMPLE = re.compile(r"^\s*0:\s*\d+:\s*(\d+)", re.MULTILINE)
"""`task: sequence: latency` of cyclictest -v."""


def cyclictest_us() -> list[float]:
    """Samples of cyclictest at the engine's priority and period; like the engine, it leaves the system as it is."""
    command = ["cyclictest", "--default-system", "-m", "-t1", f"-p{PRIORITY}", f"-i{PERIOD_MS * 1000}", "-v", "-N"]
    done = subprocess.run([*command, f"-l{LOOPS}"], capture_output=True, text=True, timeout=60, check=True)
    return [int(match) / 1000 for match in SAMPLE.findall(done.stdout)][WARM_UP:]


def engine_us() -> list[float]:
    """Lateness of each deadline of a train of pulses: width and gap are 10 ms, so that a deadline comes every 10 ms.

    The stamps are those that the memory backend takes at its writes.
    """
    with MemoryChip(["button"]) as chip:
        button = OutputLine("button", chip.line("button"), LineClass.MOMENTARY, max_press_ms=1000)
        config = EngineConfig(outputs=(button,))
        with LineEngine(config, ThreadConfig(fifo_priority=PRIORITY)) as engine:
            engine.pulse("button", PERIOD_MS, count=LOOPS // 2, gap_ms=PERIOD_MS)
            while not any(isinstance(event, CommandDone) for event in engine.events()):
                time.sleep(0.1)
        stamps_ns = [change.time_ns for change in chip.drain()]
    return _lateness_us(stamps_ns)


def python_us() -> list[float]:
    """The same train from a loop as one writes it in Python: set, sleep, clear, sleep."""
    stamps_ns = []
    with MemoryChip(["button"]) as chip:
        for number in range(LOOPS):
            chip.drive("button", number % 2 == 0)
            stamps_ns.append(time.monotonic_ns())
            time.sleep(PERIOD_MS / 1000)
    return _lateness_us(stamps_ns)


def _lateness_us(stamps_ns: list[int]) -> list[float]:
    """Each deadline is the write before it plus the period."""
    return [(after - before) / 1000 - PERIOD_MS * 1000 for before, after in pairwise(stamps_ns)][WARM_UP:]
