# SPDX-License-Identifier: Apache-2.0
"""From ENTSO-E's time series to one day's points: one auction, one resolution, the curve filled in. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalError, SignalPoint
from agent.energy.signals.points import within

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.energy.signals.entsoe_xml import Period, Series
    from agent.energy.slots import Slot

SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"
REPEATED = "A03"
"""Curve of blocks: a position that is left out has the value of the one before."""
PRODUCED_IN = "inBiddingZone_Domain.mRID"
"""What is consumed (pumped storage) has outBiddingZone_Domain in its place."""


def of_auction(series: Sequence[Series], sequence: int) -> list[Series]:
    """Those of one auction. The documents' order says nothing; zones with one auction do not number it."""
    numbered = [one for one in series if SEQUENCE in one.facts]
    if not numbered:
        return list(series) if sequence == 1 else []
    return [one for one in numbered if one.facts[SEQUENCE] == str(sequence)]


def require(series: Iterable[Series], fact: str, wanted: str, place: str) -> None:
    """Raises SignalError when a series is in another unit."""
    for one in series:
        found = one.facts.get(fact, "")
        if found != wanted:
            raise SignalError(f"{place}: {fact} is {found[:10] or 'missing'}, not {wanted}", retry=False)


def day_points(series: Sequence[Series], whole: Slot, step_s: int | None, place: str) -> tuple[SignalPoint, ...]:
    """`step_s` None = the finest that is there. Two series that say the same are one. Raises SignalError."""
    found = [
        (period.step_s, SignalPoint(start_s, period.step_s, value))
        for one in series
        for period in one.periods
        if period.start_s < whole.end_utc_s and period.start_s + period.count * period.step_s > whole.start_utc_s
        for start_s, value in _filled(period, whole, repeat=one.facts.get("curveType") == REPEATED)
    ]
    wanted_s = step_s or min((step for step, _ in found), default=0)
    points = {point for step, point in found if step == wanted_s}
    return within(points, whole, place)


def _filled(period: Period, whole: Slot, *, repeat: bool) -> Iterable[tuple[int, float]]:
    last: float | None = None
    for position in range(1, period.count + 1):
        value = period.values.get(position, last if repeat else None)
        last = value
        start_s = period.start_s + (position - 1) * period.step_s
        inside = start_s < whole.end_utc_s and start_s + period.step_s > whole.start_utc_s
        if inside and value is not None and math.isfinite(value):
            yield start_s, value


def summed(series: Sequence[Series], whole: Slot, step_s: int | None, place: str) -> tuple[SignalPoint, ...]:
    """Sum over the kinds of production. An instant at which one is missing is a hole, else it would dip."""
    kinds: dict[str, list[Series]] = {}
    for one in series:
        if PRODUCED_IN in one.facts:
            kinds.setdefault(one.facts.get("psrType", ""), []).append(one)
    days = [points for kind in kinds.values() if (points := day_points(kind, whole, step_s, place))]
    if not days:
        return ()
    finest_s = min(point.duration_s for points in days for point in points)
    by_start = [{point.start_s: point for point in points if point.duration_s == finest_s} for points in days]
    common = set.intersection(*(set(points) for points in by_start))
    sums = [
        SignalPoint(start_s, finest_s, math.fsum(points[start_s].value for points in by_start)) for start_s in common
    ]
    return within(sums, whole, place)
