# SPDX-License-Identifier: Apache-2.0
"""Remembers how the firmware had set the fans, so that the successor of a killed agent still gives them back so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.hardware.hwmon_fan import FanSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.store.settings import Settings

log = logging.getLogger(__name__)

KEY = "fans.found"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Found(msgspec.Struct):
    boot: str
    fans: dict[str, tuple[int | None, int]]


def boot_id(file: Path = BOOT_ID) -> str:
    """This boot of the computer; a reboot sets the fans anew. Empty where the kernel does not tell."""
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class FanMemory:
    """Used on the loop's thread; written on the storage thread."""

    def __init__(self, store: Settings, boot: str) -> None:
        """What was found in another boot is not looked at: the firmware has begun anew since."""
        self._store = store
        self._boot = boot
        self._fans: dict[str, FanSetting] = {}
        stored = store.get(KEY)
        if stored is None:
            return
        try:
            found = msgspec.convert(stored, _Found)
        except msgspec.ValidationError as error:
            log.warning("what is stored of the fans is not usable: %s", error)
            return
        if found.boot == boot:
            self._fans = {name: FanSetting(*setting) for name, setting in found.fans.items()}

    def found(self, name: str) -> FanSetting | None:
        """How a fan was before any agent of this boot drove it; None = no agent did."""
        return self._fans.get(name)

    async def keep(self, found: Mapping[str, FanSetting]) -> None:
        """Raises StoreError."""
        await self._put({**self._fans, **found})

    async def forget(self, name: str) -> None:
        """It was given back. Raises StoreError."""
        await self._put({other: setting for other, setting in self._fans.items() if other != name})

    async def _put(self, fans: dict[str, FanSetting]) -> None:
        self._fans = fans
        rows = {name: [setting.enable, setting.pwm] for name, setting in fans.items()}
        await self._store.put({KEY: {"boot": self._boot, "fans": rows} if rows else None})
