# SPDX-License-Identifier: Apache-2.0
"""Requests for trends, and what readings have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.events.event import rfc3339_ms
from agent.power.request import Reply, Verdict
from agent.requests.data import Trend, TrendNames
from agent.requests.endpoint import Answer, Endpoint, Failure, RequestFailed
from agent.store.database import StoreError
from agent.trends.span import GRIDS, Span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from agent.board.services import Services
    from agent.trends.recorder import Point, TrendRecorder


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    reading: str | None = None
    """Its place in the telemetry; None = only the names of all."""
    span: Span = Span.HOUR


def trend_readings(services: Services) -> Mapping[str, float | None]:
    """What has a trend, by its place in the telemetry."""
    readings: dict[str, float | None] = {}
    if services.supplies.slots:
        readings["supply_set/pin_w"] = services.power_meter.present_w()
    for slot in services.supplies.slots:
        readings[f"supplies/{slot.name}/pin_w"] = slot.readings.pin_w if slot.readings else None
        readings[f"supplies/{slot.name}/pout_w"] = slot.readings.pout_w if slot.readings else None
    for table in services.sensors.tables:
        readings[f"{table.quantity.group}/{table.name}"] = services.sensors.reading(table.name).value
    return readings


class TrendRequests:
    """Used on the loop's thread."""

    def __init__(self, trends: TrendRecorder) -> None:
        self._trends = trends

    def table(self) -> dict[str, Endpoint]:
        return {"trends/get": Endpoint(False, _Wanted, self._get, (TrendNames, Trend))}

    async def _get(self, given: _Wanted, origin: str) -> AsyncIterator[Answer]:
        names = self._trends.names()
        if given.reading is None:
            yield Answer.done({"readings": names})
            return
        if given.reading not in names:
            known = ", ".join(names) or "none"
            raise RequestFailed(Failure.BAD_ARGUMENTS, f"no trend of {given.reading!r}; there are: {known}")
        try:
            points = await self._trends.points(given.reading, given.span)
        except StoreError as error:
            yield Answer.of(Reply(Verdict.FAILED, str(error)))
            return
        yield Answer.done(
            {
                "reading": given.reading,
                "span": given.span.value,
                "step_s": GRIDS[given.span].step_s,
                "points": [_point(point) for point in points],
            }
        )


def _point(point: Point) -> dict[str, object]:
    return {
        "time": None if point.unix_s is None else rfc3339_ms(round(point.unix_s) * 1000),
        "age_s": round(point.age_s),
        "mean": round(point.mean, 3),
        "min": round(point.low, 3),
        "max": round(point.high, 3),
    }
