# SPDX-License-Identifier: Apache-2.0
"""Writes roles to the supplies, safely: all active first, settle, then roles, each read back (safety rule 16)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agent.psu.ranking import ALWAYS_ACTIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.hardware.i2c_bus import I2cBus
    from agent.hardware.pmbus.supply import PmbusSupply
    from agent.hardware.smbus import SmbusPort

log = logging.getLogger(__name__)

WRITE_TRIES = 4


class RoleError(Exception):
    """A role could not be written and read back; the text names the supply."""


class RoleWriter:
    """The role registers of the set. Used on the loop's thread, by one caller at a time."""

    def __init__(self, supplies: Sequence[tuple[str, I2cBus, PmbusSupply]], settle_s: float) -> None:
        self._supplies = supplies
        self._settle_s = settle_s

    async def read(self, slot: int) -> int:
        """The role register of a slot. Raises OSError."""
        _, bus, supply = self._supplies[slot]
        return await bus.call(supply.role)

    async def give(self, roles: Sequence[int | None], outdated: Callable[[], bool] = lambda: False) -> bool:
        """Put all roles in force; None = this supply is not to be touched.

        Supplies that already have their roles are left alone. When `outdated` says after settling that the roles were
        meant for another state of affairs, everything stays active and False is returned. On a failure every supply is
        sent back to active and RoleError is raised.
        """
        if await self._already(roles):
            return True
        try:
            for slot, role in enumerate(roles):
                if role is not None:
                    await self._write(slot, ALWAYS_ACTIVE)
            if any(roles):
                await asyncio.sleep(self._settle_s)
                if outdated():
                    return False
                for slot, role in enumerate(roles):
                    if role:
                        await self._write(slot, role)
        except RoleError:
            await self.all_active(roles)
            raise
        return True

    async def all_active(self, roles: Sequence[int | None]) -> None:
        """Best effort: 00h to every supply that may be written."""
        for slot, role in enumerate(roles):
            if role is not None:
                try:
                    await self._write(slot, ALWAYS_ACTIVE)
                except RoleError as error:
                    log.warning("%s", error)

    async def _already(self, roles: Sequence[int | None]) -> bool:
        for slot, role in enumerate(roles):
            if role is None:
                continue
            try:
                if await self.read(slot) != role:
                    return False
            except OSError:
                return False
        return True

    async def _write(self, slot: int, role: int) -> None:
        name, bus, supply = self._supplies[slot]

        def write_and_read_back(port: SmbusPort) -> int:
            supply.write_role(port, role)
            return supply.role(port)

        why = ""
        for _ in range(WRITE_TRIES):
            try:
                read = await bus.call(write_and_read_back)
            except OSError as error:
                why = f"{error.strerror or error}"
                continue
            if read == role:
                return
            why = f"reads {read:#04x} after writing {role:#04x}"
        raise RoleError(f"supply {name}: role register {why}")
