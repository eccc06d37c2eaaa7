# SPDX-License-Identifier: Apache-2.0
"""From an edge to the write that answers it: an interlock of the engine, and the least C that can do it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "bench" / "edge_to_action"
SOURCES = (
    "bench/lines/edge_to_action.c",
    *(f"native/{name}.c" for name in ("engine", "order", "rail", "interlock", "sequence", "watch", "input", "led")),
    *(f"native/{name}.c" for name in ("output", "histogram", "ring", "view", "thread", "backend_kernel")),
    *(f"native/{name}.c" for name in ("backend_memory", "loop", "loop_face", "slow")),
)
EDGES = 500


def build() -> None:
    """Compile the program with the flags of the extension. Raises subprocess.CalledProcessError."""
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    flags = ["-std=c11", "-O2", "-D_GNU_SOURCE", "-Inative", "-pthread"]
    libraries = ["-Wl,--as-needed", "-latomic"]
    subprocess.run(["gcc", *flags, *SOURCES, "-o", str(PROGRAM), *libraries], cwd=ROOT, check=True)


def edge_to_action_us(variant: str) -> list[float]:
    """Samples of `engine` or `minimal_loop`."""
    done = subprocess.run([str(PROGRAM), variant, str(EDGES)], capture_output=True, text=True, timeout=60, check=True)
    return [int(line) / 1000 for line in done.stdout.split()]
