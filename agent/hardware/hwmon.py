# SPDX-License-Identifier: Apache-2.0
"""The kernel's hardware monitors, /sys/class/hwmon: attributes of a chip that is found by name, never by number.

Numbers of hwmon folders change when drivers are loaded anew, so that the name is looked at before every use.
Source: Documentation/hwmon/sysfs-interface.rst of the kernel (units: millidegrees, thousandths of a percent, RPM).
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HWMON_ROOT = Path("/sys/class/hwmon")
MAX_BYTES = 4096
"""An attribute is one page at most."""


@dataclass(frozen=True, slots=True)
class HwmonChip:
    """A chip by the kernel's name; `device` is the name of the device below it, where two chips share a name."""

    name: str
    device: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.device})" if self.device else self.name


class HwmonPort(Protocol):
    """Access to the attributes. Calls block; use them on a thread of their own. All raise OSError with a sentence."""

    def read(self, chip: HwmonChip, attribute: str) -> int: ...

    def read_optional(self, chip: HwmonChip, attribute: str) -> int | None:
        """None where the chip has no such attribute."""
        ...

    def write(self, chip: HwmonChip, attribute: str, value: int) -> None: ...

    def attribute_of(self, chip: HwmonChip, kind: str, label: str) -> str:
        """The attribute of the channel with a label: `attribute_of(chip, "temp", "Tctl")` is `temp1_input`."""
        ...


class KernelHwmon:
    """Implements HwmonPort over sysfs. One per thread."""

    def __init__(self, root: Path = HWMON_ROOT) -> None:
        self._root = root
        self._found: dict[HwmonChip, Path] = {}

    def read(self, chip: HwmonChip, attribute: str) -> int:
        file = self._folder(chip) / attribute
        try:
            text = _text(file)
        except OSError as error:
            raise _named(error, chip, attribute) from error
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise OSError(errno.EIO, f"{chip}: {attribute} reads {text[:20]!r}, which is no number")
        return int(text)

    def read_optional(self, chip: HwmonChip, attribute: str) -> int | None:
        return self.read(chip, attribute) if (self._folder(chip) / attribute).exists() else None

    def write(self, chip: HwmonChip, attribute: str, value: int) -> None:
        file = self._folder(chip) / attribute
        try:
            descriptor = os.open(
                file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
            )  # never creates a file that the chip lacks
            try:
                os.write(descriptor, f"{value}\n".encode("ascii"))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _named(error, chip, attribute) from error

    def attribute_of(self, chip: HwmonChip, kind: str, label: str) -> str:
        folder = self._folder(chip)
        labels: dict[str, str] = {}
        for file in sorted(folder.glob(f"{kind}*_label")):
            try:
                labels.setdefault(_text(file), file.name)
            except OSError:
                continue  # a label that cannot be read is none
        if label not in labels:
            known = ", ".join(labels) or "no labels"
            raise OSError(errno.ENOENT, f"{chip} has no channel {label!r}; it has: {known}")
        return labels[label].removesuffix("_label") + "_input"

    def _folder(self, chip: HwmonChip) -> Path:
        known = self._found.get(chip)
        if known is not None and _is(known, chip):
            return known
        found = [folder for folder in self._folders() if _is(folder, chip)]
        if len(found) == 1:
            self._found[chip] = found[0]
            return found[0]
        self._found.pop(chip, None)
        if found:
            devices = ", ".join(_device(folder) for folder in found)
            raise OSError(errno.EEXIST, f"{len(found)} chips are named {chip}; say which by 'device': {devices}")
        names = ", ".join(sorted({_name(folder) for folder in self._folders()} - {""})) or "none"
        raise OSError(errno.ENODEV, f"no chip {chip} in {self._root} (there are: {names}); is its driver loaded?")

    def _folders(self) -> list[Path]:
        return sorted(self._root.glob("hwmon*"))


def _is(folder: Path, chip: HwmonChip) -> bool:
    return _name(folder) == chip.name and (not chip.device or _device(folder) == chip.device)


def _name(folder: Path) -> str:
    try:
        return _text(folder / "name")
    except OSError:
        return ""


def _device(folder: Path) -> str:
    return Path(os.path.realpath(folder / "device")).name


def _text(file: Path) -> str:
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES).decode("ascii", "replace").strip()


def _named(error: OSError, chip: HwmonChip, attribute: str) -> OSError:
    number = error.errno or errno.EIO
    return OSError(number, f"{chip}: {attribute}: {os.strerror(number)}")
