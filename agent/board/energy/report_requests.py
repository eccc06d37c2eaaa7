# SPDX-License-Identifier: Apache-2.0
"""Requests for reports: energy, cost, carbon, work, and how well the capping goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.energy.report import text_lines
from agent.events.event import rfc3339_ms
from agent.requests.endpoint import Answer, Endpoint
from agent.requests.energy_data import EnergyReport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.board.energy.service import BoardEnergy
    from agent.energy.report import Report, Valued

MOST_HOURS = 14 * 24


class _Report(msgspec.Struct, forbid_unknown_fields=True):
    hours: Annotated[float, msgspec.Meta(ge=1, le=MOST_HOURS)] = 24.0
    """So far back."""


class ReportRequests:
    """Used on the loop's thread."""

    def __init__(self, energy: BoardEnergy) -> None:
        self._energy = energy

    def table(self) -> dict[str, Endpoint]:
        return {"energy/report": Endpoint(False, _Report, self._report, (EnergyReport,))}

    async def _report(self, given: _Report, origin: str) -> AsyncIterator[Answer]:
        now_s = time.time()
        yield Answer.done(_document(await self._energy.reporting.report(now_s - given.hours * 3600, now_s)))


def _document(told: Report) -> dict[str, object]:
    counts = told.counts
    return {
        "quantity": told.quantity.value,
        "from": rfc3339_ms(round(told.from_s) * 1000),
        "to": rfc3339_ms(round(told.to_s) * 1000),
        "energy_kwh": None if told.mean_w is None else round(told.energy.wh / 1000, 6),
        "estimated_kwh": round(told.energy.estimated_wh / 1000, 6),
        "measured": round(told.measured, 4),
        "hours": told.hours,
        "hours_missing": told.hours_missing,
        "cost_eur": _valued(told.cost, 6),
        "carbon_g": _valued(told.carbon, 1),
        "carbon_is_marginal": told.carbon_is_marginal,
        "mean_w": _rounded(told.mean_w),
        "peak_hour_w": _rounded(told.peak_hour_w),
        "headroom_w": _rounded(told.headroom_w),
        "work": None if told.work is None else {"amount": round(told.work.amount, 3), "unit": told.work.unit},
        "work_per_wh": None if told.work_per_wh is None else round(told.work_per_wh, 6),
        "cap_adjustments": counts.cap_adjustments,
        "refresh_success": None if counts.refresh_success is None else round(counts.refresh_success, 4),
        "rapl_errors": counts.rapl_errors,
        "data_availability": None if counts.data_availability is None else round(counts.data_availability, 4),
        "text": list(text_lines(told)),
    }


def _valued(valued: Valued | None, digits: int) -> dict[str, object] | None:
    if valued is None:
        return None
    return {"amount": round(valued.amount, digits), "unknown_kwh": round(valued.unknown_wh / 1000, 6)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
