# SPDX-License-Identifier: Apache-2.0
"""A further gpio-sim chip, made through configfs and torn out again: whoever holds its lines then has a problem."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.hardware.gpio_sim import SimLine

if TYPE_CHECKING:
    from types import TracebackType

CONFIGFS = Path("/sys/kernel/config/gpio-sim")


class ExtraChip:
    """Used as a context manager: outside of it the chip is not there."""

    def __init__(self, name: str, lines: int, first_name: str = "") -> None:
        """`first_name`: what the kernel calls the first line."""
        self._first_name = first_name
        self._folder = CONFIGFS / name
        self._lines = lines
        self.device = ""

    def __enter__(self) -> ExtraChip:
        bank = self._folder / "bank0"
        bank.mkdir(parents=True)
        (bank / "num_lines").write_text(str(self._lines), encoding="ascii")
        (bank / "label").write_text(self._folder.name, encoding="ascii")
        if self._first_name:
            (bank / "line0").mkdir()
            (bank / "line0/name").write_text(self._first_name, encoding="ascii")
        (self._folder / "live").write_text("1", encoding="ascii")
        self._chip_name = (bank / "chip_name").read_text(encoding="ascii").strip()
        self._device_name = (self._folder / "dev_name").read_text(encoding="ascii").strip()
        self.device = f"/dev/{self._chip_name}"
        return self

    def outside(self, offset: int) -> SimLine:
        """The outside of one line."""
        folder = Path("/sys/devices/platform") / self._device_name / self._chip_name
        return SimLine(folder / f"sim_gpio{offset}")

    def tear_out(self) -> None:
        """The chip is gone, as a USB expander that somebody pulls."""
        (self._folder / "live").write_text("0", encoding="ascii")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (self._folder / "live").read_text(encoding="ascii").strip() == "1":
            self.tear_out()
        if self._first_name:
            (self._folder / "bank0/line0").rmdir()
        (self._folder / "bank0").rmdir()
        self._folder.rmdir()
