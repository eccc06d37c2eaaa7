# SPDX-License-Identifier: Apache-2.0
"""Requests about energy: there where the site file has `[energy]`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from agent.energy.frequency.boost import BoostRefused
from agent.energy.outlook import outlook
from agent.events.event import rfc3339_ms
from agent.power.request import Reply, Verdict
from agent.requests.endpoint import Answer, Endpoint, NoArguments
from agent.requests.energy_data import BoostGranted, EnergyNow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agent.board.energy.service import BoardEnergy
    from agent.energy.signals.interface import SignalPoint


class _Boost(msgspec.Struct, forbid_unknown_fields=True):
    seconds: float
    extra_w: float = 0.0
    """What it may draw on top."""


class EnergyRequests:
    """Used on the loop's thread."""

    def __init__(self, energy: BoardEnergy) -> None:
        self._energy = energy

    def table(self) -> dict[str, Endpoint]:
        return {
            "energy/get": Endpoint(False, NoArguments, self._get, (EnergyNow,)),
            "energy/boost": Endpoint(True, _Boost, self._boost, (BoostGranted,)),
        }

    async def _boost(self, given: _Boost, origin: str) -> AsyncIterator[Answer]:
        granted = await self._energy.controller.boost(given.seconds, given.extra_w)
        if isinstance(granted, BoostRefused):
            yield Answer.of(Reply(Verdict.BLOCKED, granted.reason))
        else:
            yield Answer.done({"seconds": given.seconds, "extra_w": granted.extra_w})

    async def _get(self, given: NoArguments, origin: str) -> AsyncIterator[Answer]:
        controller = self._energy.controller
        situation = controller.view.situation
        policies, zone = controller.policies, self._energy.zone
        caps = () if situation is None else await asyncio.to_thread(outlook, policies, situation, zone)
        signals = {} if situation is None else situation.signals
        yield Answer.done(
            {
                "state": self._energy.document(),
                "readings": self._energy.readings(),
                "caps": [
                    {"start": rfc3339_ms(one.start_s * 1000), "cap_w": round(one.cap_w, 2), "policy": one.policy}
                    for one in caps
                ],
                "curves": {name: _points(view.day) for name, view in signals.items()},
            }
        )


def _points(points: Sequence[SignalPoint]) -> list[dict[str, object]]:
    return [
        {"start": rfc3339_ms(point.start_s * 1000), "seconds": point.duration_s, "value": point.value}
        for point in points
    ]
