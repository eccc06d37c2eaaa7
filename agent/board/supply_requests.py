# SPDX-License-Identifier: Apache-2.0
"""Requests about one supply: its place in the order of cold redundancy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.power.request import Reply, Verdict
from agent.psu.change import ChangeError, changed
from agent.requests.endpoint import Answer, Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.board.services import Services


class _Supply(msgspec.Struct, forbid_unknown_fields=True):
    supply: str
    rank: int
    """0 = never standby, 1 = the first to be active."""


class SupplyRequests:
    """Used on the loop's thread."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def table(self) -> dict[str, Endpoint]:
        return {"supplies/update": Endpoint(True, _Supply, self._update)} if self._services.supplies.slots else {}

    async def _update(self, given: _Supply, origin: str) -> AsyncIterator[Answer]:
        yield Answer.of(await self._rank(given, origin))

    async def _rank(self, given: _Supply, origin: str) -> Reply:
        """Whoever has this rank gets the old one: all ranks stay different."""
        names = [slot.name for slot in self._services.supplies.slots]
        if given.supply not in names:
            return Reply(Verdict.BLOCKED, f"no supply {given.supply!r}; supplies: {', '.join(names)}")
        redundancy = self._services.redundancy
        settings = redundancy.view().settings
        index, ranks = names.index(given.supply), list(settings.ranks)
        if given.rank in ranks:
            ranks[ranks.index(given.rank)] = ranks[index]
        ranks[index] = given.rank
        try:
            wanted = changed(settings, {"ranks": ranks})
            await redundancy.configure(wanted.settings, origin)
        except ChangeError as error:
            return Reply(Verdict.BLOCKED, str(error))
        except OSError as error:
            return Reply(Verdict.FAILED, str(error))
        return Reply(Verdict.DONE)
