# SPDX-License-Identifier: Apache-2.0
"""Ends whatever opens a real GPIO or I2C device node, or a file of /sys for writing, before the kernel sees the call.

Nothing is switched on by importing; `install` does it for the running process. tests/conftest.py installs it in pytest,
and through sitecustomize.py in every Python process that a test starts. Inside the lab (HWLAB=1) it does nothing.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# Numbers from 100 on are left for tests that want a device which is not there.
REAL_DEVICE = re.compile(r"/dev/(gpiochip|i2c-|ipmi)\d{1,2}|/dev/(gpiomem\d*|mem)")

WRITES = os.O_WRONLY | os.O_RDWR


class RealDeviceOpened(BaseException):
    """A test reached for real hardware. Not an Exception: the code under test must not handle it."""


def install() -> None:
    """Guard this process from now on, unless it runs inside the lab. Call it once."""
    if os.environ.get("HWLAB") == "1":
        return
    sys.addaudithook(_on_audit_event)
    sys.meta_path.insert(0, _GpiodFinder())


def refuse_if_real(path: str) -> None:
    """Raise RealDeviceOpened if `path` is, or is a link to, a device node of real hardware."""
    for name in (os.path.normpath(path), os.path.realpath(path)):
        if REAL_DEVICE.fullmatch(name):
            raise RealDeviceOpened(
                f"{name} is real hardware: only tests/hardware may open it, inside the lab (make lab)"
            )


def refuse_if_sysfs(path: str) -> None:
    """Raise RealDeviceOpened if `path` is, or is a link to, a file of this computer's /sys: limits, fans, governors."""
    if os.path.realpath(path).startswith(("/sys/class/", "/sys/devices/")):
        raise RealDeviceOpened(f"{path} belongs to this computer's kernel: only tests/hardware may write it (make lab)")


def _on_audit_event(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.fsdecode(arguments[0])
        refuse_if_real(path)
        if isinstance(arguments[2], int) and arguments[2] & WRITES:
            refuse_if_sysfs(path)


class _GpiodFinder(importlib.abc.MetaPathFinder):
    """Wraps gpiod.Chip when it is imported: it opens its chip in C, which raises no audit event."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "gpiod.chip":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _GuardedLoader(spec.loader)
        return spec


class _GuardedLoader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        chip = module.Chip
        open_chip = chip.__init__

        def guarded(self: object, path: str | os.PathLike[str], *arguments: object, **named: object) -> None:
            refuse_if_real(os.fspath(path))
            open_chip(self, path, *arguments, **named)

        chip.__init__ = guarded
