# SPDX-License-Identifier: Apache-2.0
"""Requests about what heat would do: with more load, under another cap, in warmer air, without a fan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.energy.meters.interface import Quantity
from agent.energy.what_if import (
    AmbientUp,
    CapUp,
    FanLost,
    LoadUp,
    NoPrediction,
    ThermalNow,
    what_if,
)
from agent.requests.endpoint import Answer, Endpoint, Failure, RequestFailed
from agent.requests.energy_data import WhatIf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.board.energy.service import BoardEnergy
    from agent.energy.what_if import Change, Interval


class _WhatIf(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly one of the changes."""

    zone: str = ""
    """The first that a policy looks at, unless named."""
    load_w: float | None = None
    load_percent: float | None = None
    cap_w: float | None = None
    ambient_k: float | None = None
    lost_of_fans: int | None = None
    """One of so many fans stops."""


class WhatIfRequests:
    """Used on the loop's thread."""

    def __init__(self, energy: BoardEnergy) -> None:
        self._energy = energy

    def table(self) -> dict[str, Endpoint]:
        return {"energy/what-if": Endpoint(False, _WhatIf, self._what_if, (WhatIf,))}

    async def _what_if(self, given: _WhatIf, origin: str) -> AsyncIterator[Answer]:
        heat, view = self._energy.heat, self._energy.controller.view
        zone = given.zone or next(iter(heat.models), "")
        if zone not in heat.models:
            known = ", ".join(heat.models) or "none"
            raise RequestFailed(
                Failure.BAD_ARGUMENTS, f"no policy of kind thermal looks at {zone!r}; there are: {known}"
            )
        change = _change(given)
        now, watts = self._energy.zone_now(zone), view.measured.watts(Quantity.NODE_W)
        watts = view.measured.watts(Quantity.CPU_W) if watts is None else watts
        answer = {"zone": zone, "in_10_min": None, "steady": None, "power_w": None, "trip_c": heat.trip_c(zone)}
        if now.celsius is None or watts is None:
            what = "no sensor of the zone reads" if now.celsius is None else "no meter tells what the machine draws"
            yield Answer.done({**answer, "now_c": now.celsius, "note": what})
            return
        found = what_if(heat.models[zone], ThermalNow(now.celsius, watts, now.fan_percent), change)
        answer["now_c"] = round(now.celsius, 1)
        if isinstance(found, NoPrediction):
            yield Answer.done({**answer, "note": found.why})
            return
        told = {
            "in_10_min": _interval(found.in_10_min),
            "steady": _interval(found.steady),
            "power_w": round(found.power_w, 1),
        }
        yield Answer.done({**answer, **told, "note": found.note})


def _change(given: _WhatIf) -> Change:
    """Raises RequestFailed."""
    try:
        changes: list[Change] = []
        if given.load_w is not None or given.load_percent is not None:
            changes.append(LoadUp(given.load_w or 0.0, given.load_percent or 0.0))
        if given.cap_w is not None:
            changes.append(CapUp(given.cap_w))
        if given.ambient_k is not None:
            changes.append(AmbientUp(given.ambient_k))
        if given.lost_of_fans is not None:
            changes.append(FanLost(given.lost_of_fans))
    except ValueError as error:
        raise RequestFailed(Failure.BAD_ARGUMENTS, str(error)) from error
    if len(changes) != 1:
        raise RequestFailed(
            Failure.BAD_ARGUMENTS, "name one change: load_w or load_percent, cap_w, ambient_k, lost_of_fans"
        )
    return changes[0]


def _interval(interval: Interval) -> dict[str, object]:
    return {"c": round(interval.value_c, 1), "low_c": round(interval.low_c, 1), "high_c": round(interval.high_c, 1)}
