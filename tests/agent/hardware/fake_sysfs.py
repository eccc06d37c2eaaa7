# SPDX-License-Identifier: Apache-2.0
"""A fake /sys/class/hwmon in a folder, and a port that fails as kernels do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from agent.hardware.hwmon import KernelHwmon

if TYPE_CHECKING:
    from pathlib import Path

    from agent.hardware.hwmon import HwmonChip


class FakeSysfs:
    """Chips appear and vanish as drivers come and go; the kernel numbers them anew each time."""

    def __init__(self, root: Path) -> None:
        self.root = root / "hwmon"
        self.root.mkdir(exist_ok=True)
        self._devices = root / "devices"

    def plug(self, number: int, name: str, device: str = "", **attributes: object) -> Path:
        folder = self.root / f"hwmon{number}"
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        if device:
            below = self._devices / device
            below.mkdir(parents=True, exist_ok=True)
            (folder / "device").symlink_to(below)
        for attribute, value in attributes.items():
            (folder / attribute).write_text(f"{value}\n")
        return folder

    def unplug(self, number: int) -> None:
        folder = self.root / f"hwmon{number}"
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()

    def renumber(self, number: int, to: int) -> Path:
        return (self.root / f"hwmon{number}").rename(self.root / f"hwmon{to}")


class FailingHwmon(KernelHwmon):
    """`failing` maps an attribute to the error that using it gives; `stubborn` attributes ignore what is written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.failing: dict[str, int] = {}
        self.stubborn: set[str] = set()
        self.written: list[tuple[str, int]] = []

    def read(self, chip: HwmonChip, attribute: str) -> int:
        self._fail(attribute)
        return super().read(chip, attribute)

    def write(self, chip: HwmonChip, attribute: str, value: int) -> None:
        self._fail(attribute)
        self.written.append((attribute, value))
        if attribute not in self.stubborn:
            super().write(chip, attribute, value)

    def _fail(self, attribute: str) -> None:
        if attribute in self.failing:
            number = self.failing[attribute]
            raise OSError(number, f"{attribute}: {os.strerror(number)}")


EIO = errno.EIO
