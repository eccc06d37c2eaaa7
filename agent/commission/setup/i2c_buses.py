# SPDX-License-Identifier: Apache-2.0
"""The I2C buses of this machine, by their device nodes and the names that the kernel gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.commission.setup.interview import printable

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class I2cBusNode:
    """`/dev/i2c-NUMBER`; `name` is empty where the kernel tells none."""

    number: int
    name: str


def find_buses(root: Path) -> tuple[I2cBusNode, ...]:
    """Every bus that has a device node. `root` is / but in tests. Opens no bus."""
    numbers = [
        int(match[1]) for file in (root / "dev").glob("i2c-*") if (match := re.fullmatch(r"i2c-(\d+)", file.name))
    ]
    return tuple(I2cBusNode(number, _name(root, number)) for number in sorted(numbers))


def _name(root: Path, number: int) -> str:
    try:
        text = (root / f"sys/bus/i2c/devices/i2c-{number}/name").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return printable(text.strip())
