# SPDX-License-Identifier: Apache-2.0
"""Money, carbon and watt hours of a year; and whether the agent's own books say the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.energy.energy_ledger import NS_PER_S, EnergyLedger
from agent.energy.meters.interface import Quantity, Reading
from agent.energy.slots import quarters
from bench.energy.workload import HOUR
from bench.energy.year import CARBON, PRICE

if TYPE_CHECKING:
    from array import array

    from bench.energy.workload import Done, Workload
    from bench.energy.year import Year

STEP_S = 100
"""Between two readings of the meter; the ledger takes no more than 120 s on trust."""


@dataclass(frozen=True)
class Account:
    """Of the work that was done. Work that waits at the end is counted at the year's mean price and carbon."""

    cost_eur: float
    carbon_kg: float
    energy_kwh: float
    work_wh: float


def account(year: Year, workload: Workload, done: Done) -> Account:
    """g = W x h / 1000 x g/kWh; EUR = W x h / 1e6 x EUR/MWh."""
    prices, grams = year.values(PRICE), year.values(CARBON)
    rest_wh = done.undone_wh
    cost = math.fsum(watts * HOUR / 1e6 * price for watts, price in zip(done.watts, prices, strict=True))
    carbon_g = math.fsum(watts * HOUR / 1e3 * each for watts, each in zip(done.watts, grams, strict=True))
    cost += rest_wh / 1e6 * math.fsum(prices) / len(prices)
    carbon_g += rest_wh / 1e3 * math.fsum(grams) / len(grams)
    energy_wh = math.fsum(done.watts) * HOUR + rest_wh
    return Account(cost, carbon_g / 1e3, energy_wh / 1e3, workload.work_wh - done.lost_wh)


def saving_percent(capped: float, capped_work: float, free: float, free_work: float) -> float:
    """Per unit of work: work that was lost is no saving."""
    return 100 * (1 - (capped / capped_work) / (free / free_work))


def drift(year: Year, watts: array[float]) -> float:
    """How far the days of the agent's energy ledger are, together, from the exact integral; as a part of it."""
    ledger = EnergyLedger(ZoneInfo(year.zone))
    number = 0
    at_s = 0
    for day in year.days:
        for slot in quarters(day, year.zone):
            for at_s in range(slot.start_utc_s, slot.end_utc_s, STEP_S):
                _read(ledger, watts[number], at_s + STEP_S)
            number += 1
    exact = sum((Fraction(one) for one in watts), Fraction()) * 900
    exact -= Fraction(watts[0]) * STEP_S  # before the first reading nothing is known
    counted = sum((Fraction(one.wh) for one in ledger.days[Quantity.NODE_W].values()), Fraction()) * 3600
    return abs(float((counted - exact) / exact))


def _read(ledger: EnergyLedger, watts: float, at_s: int) -> None:
    reading = Reading(Quantity.NODE_W, watts, "bench", False, at_s * NS_PER_S)
    ledger.add({Quantity.NODE_W: reading}, float(at_s))
