# SPDX-License-Identifier: Apache-2.0
"""What machines of the fleet remember over restarts, in the settings store: on the disk before it counts."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.node.desired import Remembered
from agent.fleet.node.uptime_book import UptimeBook

if TYPE_CHECKING:
    from agent.store.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FleetMemory:
    """By the name of the node."""

    settings: Settings

    def known(self, node: str) -> Remembered:
        """A damaged entry is as good as none: the retained report of the last start says what is missing."""
        try:
            return msgspec.convert(self.settings.get(_key(node), {}), Remembered)
        except msgspec.ValidationError as error:
            log.warning("fleet: what is stored of %s is damaged (%s): it begins anew", node, error)
            return Remembered()

    def uptimes(self, node: str) -> UptimeBook:
        """What was counted before; a damaged entry is lost."""
        try:
            return UptimeBook(self.settings.get(_uptime_key(node)))
        except ValueError as error:
            log.warning("fleet: the uptime of %s begins anew: %s", node, error)
            return UptimeBook()

    async def keep_uptimes(self, node: str, uptimes: UptimeBook) -> None:
        """It outlasts the end of the agent, and a power cut a second later. Raises StoreError."""
        await self.settings.put({_uptime_key(node): uptimes.kept()})

    async def keep(self, node: str, remembered: Remembered) -> None:
        """It outlasts a power cut when this returns. Raises StoreError."""
        await self.settings.put({_key(node): msgspec.to_builtins(remembered)})
        await self.settings.sync()


def _key(node: str) -> str:
    return f"fleet.{node}"


def _uptime_key(node: str) -> str:
    return f"fleet-uptime.{node}"
