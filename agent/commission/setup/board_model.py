# SPDX-License-Identifier: Apache-2.0
"""Which board this is, by its device tree, and which profile fits it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.commission.setup.interview import printable

if TYPE_CHECKING:
    from pathlib import Path

MODEL_FILES = ("proc/device-tree/model", "sys/firmware/devicetree/base/model")
MAX_MODEL_BYTES = 256


@dataclass(frozen=True, slots=True)
class KnownBoard:
    """A family of boards that a shipped profile fits. `model` is how the model in their device tree begins."""

    model: str
    profile: str


KNOWN_BOARDS = (
    KnownBoard("Raspberry Pi", "raspberry-pi-atx"),
    KnownBoard("OrangePi Zero 2W", "orange-pi-atx"),
    KnownBoard("OrangePi Zero2 W", "orange-pi-atx"),
    KnownBoard("Radxa ", "rock-atx"),
)
"""One PC is what most people begin with; the table of docs/boards.md says the same."""


def read_model(root: Path) -> str:
    """The model as the device tree has it; empty where there is none, as on a PC. `root` is / but in tests."""
    for name in MODEL_FILES:
        try:
            with (root / name).open("rb") as file:
                text = file.read(MAX_MODEL_BYTES)
        except OSError:
            continue
        if model := printable(text.decode("utf-8", "replace").rstrip("\0").strip()):
            return model
    return ""


def known_board(model: str) -> KnownBoard | None:
    """The first family whose name the model begins with."""
    return next((board for board in KNOWN_BOARDS if model.startswith(board.model)), None)
