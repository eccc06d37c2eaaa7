# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from agent.psu.power_meter import KEPT_S, PowerMeter
from agent.psu.slot import Health, Slot

if TYPE_CHECKING:
    from agent.hardware.pmbus.readings import SupplyReadings
    from agent.psu.monitor import SupplyMonitor

SECOND = 1_000_000_000


class Supplies:
    """Two slots whose input power a test sets; None = the supply is not there."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.show(100.0, 50.0)

    def show(self, *watts: float | None) -> None:
        self.slots = [
            Slot(str(number), Health.ABSENT)
            if pin_w is None
            else Slot(str(number), Health.OK, cast("SupplyReadings", SimpleNamespace(pin_w=pin_w)))
            for number, pin_w in enumerate(watts)
        ]


def meter(supplies: Supplies) -> PowerMeter:
    return PowerMeter(cast("SupplyMonitor", supplies))


def test_sum_minimum_maximum_average() -> None:
    supplies = Supplies()
    power = meter(supplies)
    for second, watts in enumerate((100.0, 200.0, 300.0)):
        supplies.show(watts, 50.0)
        power.sample(second * SECOND)
    reading = power.reading_at(None, 2 * SECOND)
    assert reading is not None
    assert (reading.now_w, reading.minimum_w, reading.maximum_w, reading.average_w) == (350.0, 150.0, 350.0, 250.0)
    assert reading.period_ms == 2000


def test_a_rolling_period_forgets() -> None:
    supplies = Supplies()
    power = meter(supplies)
    for second in range(200):
        supplies.show(1000.0 if second < 100 else 100.0, None)
        power.sample(second * SECOND)
    reading = power.reading_at(60, 199 * SECOND)
    assert reading is not None
    assert (reading.minimum_w, reading.maximum_w, reading.average_w, reading.period_ms) == (100, 100, 100, 60_000)
    whole = power.reading_at(None, 199 * SECOND)
    assert whole is not None
    assert whole.maximum_w == 1000
    assert whole.average_w == 550


def test_nothing_is_made_up() -> None:
    supplies = Supplies()
    power = meter(supplies)
    assert power.reading_at(None, 0) is None, "no sample yet"
    power.sample(0)
    supplies.slots[1] = Slot("1", Health.UNREACHABLE)
    power.sample(SECOND)
    assert power.reading_at(None, SECOND) is None, "one supply is silent: the sum would be wrong"
    supplies.show(None, None)
    assert power.present_w() is None


def test_memory_is_bounded() -> None:
    power = meter(Supplies())
    for second in range(KEPT_S * 2):
        power.sample(second * SECOND)
    assert len(power._samples) <= KEPT_S + 1
