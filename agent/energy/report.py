# SPDX-License-Identifier: Apache-2.0
"""What a machine drew, what that cost and emitted, and what was done with it. Pure.

Energy is that of the hours that were measured. Hours without a measurement, and energy without a price, are said and
are never counted as zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.energy_ledger import HOUR_S, Energy
from agent.energy.signals.interface import SignalUnit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.energy.energy_ledger import EnergyLedger
    from agent.energy.meters.interface import Quantity
    from agent.energy.signals.interface import SignalPoint
    from agent.energy.work import Work

PER_WH = {SignalUnit.EUR_PER_MWH: 1e-6, SignalUnit.G_PER_KWH: 1e-3, SignalUnit.MARGINAL_G_PER_KWH: 1e-3}
"""EUR or grams for a watt hour at a value of 1."""
CARBON = frozenset({SignalUnit.G_PER_KWH, SignalUnit.MARGINAL_G_PER_KWH})
LONGEST_S = 400 * 86_400
MEASURED_ENOUGH = 0.95
"""Work was done in all of the time; beside the energy of a part of it, it says nothing."""


@dataclass(frozen=True, slots=True)
class Series:
    """A signal over the time of the report; there may be holes."""

    unit: SignalUnit
    points: Sequence[SignalPoint]


@dataclass(frozen=True, slots=True)
class Counts:
    """How well the capping itself went."""

    cap_adjustments: int = 0
    refreshes: int = 0
    """Of signals, successful ones."""
    refresh_failures: int = 0
    rapl_errors: int = 0
    data_wanted_s: float = 0.0
    """So long a signal was needed."""
    data_known_s: float = 0.0
    """So long it was known, and not expired."""

    @property
    def refresh_success(self) -> float | None:
        """A share; None = nothing was asked for."""
        tried = self.refreshes + self.refresh_failures
        return self.refreshes / tried if tried else None

    @property
    def data_availability(self) -> float | None:
        """A share; None = nothing was needed."""
        return min(self.data_known_s / self.data_wanted_s, 1.0) if self.data_wanted_s > 0 else None


@dataclass(frozen=True, slots=True)
class Valued:
    """Of the part of the energy whose price or carbon is known; `amount` is in EUR or in grams, and may be negative."""

    amount: float
    unknown_wh: float
    """Of energy that is not in it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is None is not known."""

    quantity: Quantity
    from_s: float
    to_s: float
    energy: Energy
    hours: int
    hours_missing: int
    """Of which nothing was measured."""
    cost: Valued | None
    carbon: Valued | None
    carbon_is_marginal: bool
    mean_w: float | None
    """Over the time that was measured."""
    peak_hour_w: float | None
    """The mean of the hour that drew most."""
    limit_w: float | None
    work: Work | None
    counts: Counts

    @property
    def measured(self) -> float:
        """The share of the time that was measured."""
        return min(self.energy.seconds / (self.to_s - self.from_s), 1.0)

    @property
    def headroom_w(self) -> float | None:
        """What the hour that drew most left of the limit."""
        return None if self.limit_w is None or self.peak_hour_w is None else self.limit_w - self.peak_hour_w

    @property
    def work_per_wh(self) -> float | None:
        """Work per watt hour, which is work per hour and watt. None where too little was measured to say."""
        if self.work is None or self.energy.wh <= 0 or self.measured < MEASURED_ENOUGH:
            return None
        return self.work.amount / self.energy.wh


def report(
    ledger: EnergyLedger,
    quantity: Quantity,
    from_s: float,
    to_s: float,
    *,
    prices: Series | None = None,
    carbon: Series | None = None,
    limit_w: float | None = None,
    work: Work | None = None,
    counts: Counts | None = None,
) -> Report:
    """From the hour that `from_s` is in up to `to_s` (Unix time). The ledger keeps two weeks of hours.

    Raises ValueError for wrong units, no time at all or more than 400 days.
    """
    if prices is not None and prices.unit is not SignalUnit.EUR_PER_MWH:
        raise ValueError(f"a price in {prices.unit.value} is none: {SignalUnit.EUR_PER_MWH.value} is needed")
    if carbon is not None and carbon.unit not in CARBON:
        raise ValueError(f"carbon in {carbon.unit.value} is none: {SignalUnit.G_PER_KWH.value} is needed")
    first_s = math.floor(from_s / HOUR_S) * HOUR_S
    if not first_s < to_s <= first_s + LONGEST_S:
        raise ValueError(f"from {from_s:.0f} to {to_s:.0f} is no time, or more than 400 days")
    hours = {start_s: ledger.hours[quantity].get(start_s) for start_s in range(first_s, math.ceil(to_s), HOUR_S)}
    known = {start_s: energy for start_s, energy in hours.items() if energy is not None and energy.seconds > 0}
    whole = Energy(
        sum(energy.wh for energy in known.values()),
        sum(energy.estimated_wh for energy in known.values()),
        sum(energy.seconds for energy in known.values()),
    )
    watts = [energy.wh * HOUR_S / energy.seconds for energy in known.values()]
    return Report(
        quantity,
        first_s,
        to_s,
        whole,
        len(hours),
        len(hours) - len(known),
        _valued(known, prices, to_s),
        _valued(known, carbon, to_s),
        carbon is not None and carbon.unit is SignalUnit.MARGINAL_G_PER_KWH,
        whole.wh * HOUR_S / whole.seconds if known else None,
        max(watts, default=None),
        limit_w,
        work,
        counts or Counts(),
    )


def _valued(known: dict[int, Energy], series: Series | None, to_s: float) -> Valued | None:
    """The energy of an hour is spread evenly over it. None where nothing of it has a value."""
    if series is None:
        return None
    lengths = {start_s: min(float(HOUR_S), to_s - start_s) for start_s in known}
    covered_s = dict.fromkeys(known, 0.0)
    amount = 0.0
    for point in series.points:
        start_s, end_s = float(point.start_s), float(point.end_s)
        hour_s = math.floor(start_s / HOUR_S) * HOUR_S
        if end_s - start_s > len(known) * HOUR_S:  # fewer hours are known than it is long
            touched = [one for one in known if one + HOUR_S > start_s and one < end_s]
        else:
            touched = [one for one in range(hour_s, math.ceil(end_s), HOUR_S) if one in known]
        for one in touched:
            inside_s = min(end_s, one + lengths[one]) - max(start_s, float(one))
            if inside_s > 0:
                covered_s[one] += inside_s
                amount += known[one].wh * inside_s / lengths[one] * point.value * PER_WH[series.unit]
    if not any(covered_s.values()):
        return None
    unknown_wh = sum(known[one].wh * max(1 - covered_s[one] / lengths[one], 0.0) for one in known)
    return Valued(amount, unknown_wh)


def text_lines(told: Report) -> tuple[str, ...]:
    """For a terminal."""
    lines = [_energy(told)]
    if told.hours_missing:
        lines.append(f"not measured   {told.hours_missing} of {told.hours} hours: what was drawn then is not in it")
    if told.energy.estimated_wh > 0:
        lines.append(f"estimated      {told.energy.estimated_wh / 1000:.3f} kWh of it were computed, not measured")
    lines.append(f"cost           {_value(told.cost, 'EUR', 2)}")
    kind = " (marginal)" if told.carbon_is_marginal else ""
    lines.append(f"carbon         {_value(told.carbon, 'g CO2', 0)}{kind}")
    lines.append(_power(told))
    if told.work is not None:
        lines.append(_work(told.work, told.work_per_wh))
    counts = told.counts
    lines.append(f"cap adjustments    {counts.cap_adjustments}")
    lines.append(f"refresh success    {_share(counts.refresh_success)}")
    lines.append(f"RAPL errors        {counts.rapl_errors}")
    lines.append(f"data availability  {_share(counts.data_availability)}")
    return tuple(lines)


def _energy(told: Report) -> str:
    if told.mean_w is None:
        return "energy         not measured"
    return (
        f"energy         {told.energy.wh / 1000:.3f} kWh ({told.quantity.value}), measured for {told.measured:.0%} of "
        f"{(told.to_s - told.from_s) / HOUR_S:.1f} h"
    )


def _value(valued: Valued | None, unit: str, digits: int) -> str:
    if valued is None:
        return "not known"
    unknown = (
        f", without {valued.unknown_wh / 1000:.3f} kWh of which it is not known" if valued.unknown_wh > 0.5 else ""
    )
    return f"{valued.amount:.{digits}f} {unit}{unknown}"


def _power(told: Report) -> str:
    if told.mean_w is None or told.peak_hour_w is None:
        return "power          not measured"
    line = f"power          {told.mean_w:.1f} W on average, {told.peak_hour_w:.1f} W in the hour that drew most"
    return line if told.headroom_w is None else f"{line}; headroom {told.headroom_w:.1f} W"


def _work(work: Work, per_wh: float | None) -> str:
    if per_wh is None:
        return f"work           {work.amount:.6g} {work.unit}; per watt not known, for too little was measured"
    return f"work           {work.amount:.6g} {work.unit}, {per_wh:.4g} per hour and watt"


def _share(share: float | None) -> str:
    return "not known" if share is None else f"{share:.1%}"
