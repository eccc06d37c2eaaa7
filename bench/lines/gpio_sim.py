# SPDX-License-Identifier: Apache-2.0
"""The cross-check: pulse widths on the kernel's gpio-sim, seen from the simulated outside and not by the engine.

Runs in the hardware lab: `python -m tests.lab run -- python -m bench.lines.gpio_sim`. The guest's clock ticks every
millisecond and its processor is emulated: this shows that a width is right, not how exact it is.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import gpiod
from gpiod.line import Direction, Value

from native import CommandDone, EngineConfig, KernelLine, LineClass, LineEngine, OutputLine, ThreadConfig

WIDTHS_MS = (20, 50, 200)
COUNT = 10
GAP_MS = 30


def _observe(engine: LineEngine, value: Path) -> tuple[list[float], float]:
    """The widths (ms) that somebody who reads the line sees until the train has ended, and what the engine says."""
    widths_ms: list[float] = []
    rose_s = 0.0
    level = False
    done: CommandDone | None = None
    while done is None or level:
        seen, now_s = value.read_text(encoding="ascii").startswith("1"), time.monotonic()
        if seen and not level:
            rose_s = now_s
        elif level and not seen:
            widths_ms.append((now_s - rose_s) * 1000)
        level = seen
        if done is None:
            done = next((event for event in engine.events() if isinstance(event, CommandDone)), None)
    return widths_ms, done.achieved_ms / COUNT


def main() -> None:
    """Print one line per width: asked, seen from outside (least, most), told by the engine (mean)."""
    value = Path(os.environ["HWLAB_GPIOSIM"]) / "sim_gpio0" / "value"
    settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.INACTIVE)
    with gpiod.request_lines(os.environ["HWLAB_GPIOCHIP"], consumer="bench", config={0: settings}) as line:
        button = OutputLine("button", KernelLine(line.fd), LineClass.MOMENTARY, max_press_ms=1000)
        with LineEngine(EngineConfig(outputs=(button,)), ThreadConfig(lock_memory=False)) as engine:
            for asked_ms in WIDTHS_MS:
                engine.pulse("button", asked_ms, count=COUNT, gap_ms=GAP_MS)
                seen_ms, told_ms = _observe(engine, value)
                print(f"{asked_ms} {len(seen_ms)} {min(seen_ms):.2f} {max(seen_ms):.2f} {told_ms:.2f}")


if __name__ == "__main__":
    main()
