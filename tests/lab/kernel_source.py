# SPDX-License-Identifier: Apache-2.0
"""Unpacks the kernel source that Debian ships and fits it to the lab."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.lab.engine import Engine
from tests.lab.errors import LabError
from tests.lab.packages import SOURCES

HERE = Path(__file__).parent
XSTATE = HERE / "uml_xstate.c"


def unpack(tree: Path, engine: Engine) -> None:
    """Fill the empty folder `tree` with a kernel source ready to be configured for `engine`."""
    archives = [Path("/usr/src") / f"{source}.tar.xz" for source in SOURCES]
    archive = next((path for path in archives if path.exists()), None)
    if archive is None:
        raise LabError(f"no kernel source: {archives[0]} is not there; install {SOURCES[0]}")
    subprocess.run(["tar", "xf", archive, "--strip-components=1", "-C", tree], check=True)
    if engine is Engine.UML:
        _tick_every_millisecond(tree / "arch/um/Kconfig")
        _carry_large_xstate(tree / "arch/x86/um/os-Linux/registers.c")


def _tick_every_millisecond(kconfig: Path) -> None:
    """Edges of simulated lines reach the reader on the next tick, and user-mode Linux offers no choice of its rate."""
    _edit(kconfig, r"^(\s+default) 100$", r"\1 1000", count=1)


def _carry_large_xstate(registers: Path) -> None:
    """Replace the two functions that move floating-point state; see uml_xstate.c for the reason."""
    _edit(registers, r"^int (save|restore)_fp_registers\(", r"int unused_\1_fp_registers(", count=2)
    with registers.open("a", encoding="utf-8") as file:
        file.write(XSTATE.read_text(encoding="utf-8"))


def _edit(file: Path, pattern: str, replacement: str, count: int) -> None:
    text, found = re.subn(pattern, replacement, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if found != count:
        raise LabError(f"{file} is not as expected: {pattern!r} found {found} times instead of {count}")
    file.write_text(text, encoding="utf-8")
