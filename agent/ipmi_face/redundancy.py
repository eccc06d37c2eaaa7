# SPDX-License-Identifier: Apache-2.0
"""Cold redundancy as the OEM commands see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.psu.redundancy import ColdRedundancy
    from ipmi.board import RedundancySettings


class RedundancyFace:
    """Implements ipmi.board.Redundancy."""

    def __init__(self, service: ColdRedundancy) -> None:
        self._service = service

    def supply_count(self) -> int:
        return self._service.slots

    def settings(self) -> RedundancySettings | None:
        return self._service.view().settings

    def effective_ranks(self) -> tuple[int, ...]:
        return self._service.view().ranks

    def in_progress(self) -> bool:
        return self._service.view().in_progress

    async def apply(self, settings: RedundancySettings, origin: str) -> bool:
        try:
            await self._service.configure(settings, origin)
        except OSError:
            return False
        return True
