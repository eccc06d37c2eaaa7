# SPDX-License-Identifier: Apache-2.0
"""Energy, cost and carbon in their right units, and what is not known is said."""

from __future__ import annotations

import math
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.energy_ledger import Energy, EnergyLedger
from agent.energy.meters.interface import Quantity, Reading
from agent.energy.meters.load_model import Ticks
from agent.energy.report import Counts, Report, Series, report, text_lines
from agent.energy.signals.interface import SignalPoint, SignalUnit
from agent.energy.work import Work, WorkCounter, cpu_seconds, parse_count

START_S = 1_767_225_600
"""2026-01-01 00:00 UTC."""
H = 3600
NODE = Quantity.NODE_W


def ledger(*hours: tuple[float, float] | None) -> EnergyLedger:
    """By hour: watts, and seconds that were measured."""
    kept = EnergyLedger(ZoneInfo("UTC"))
    for index, hour in enumerate(hours):
        if hour is not None:
            kept.hours[NODE][START_S + index * H] = Energy(hour[0] * hour[1] / H, 0.0, hour[1])
    return kept


def series(unit: SignalUnit, *values: float | None, step_s: int = H) -> Series:
    steps = [(index, value) for index, value in enumerate(values) if value is not None]
    return Series(unit, [SignalPoint(START_S + index * step_s, step_s, value) for index, value in steps])


def prices(*values: float | None, step_s: int = H) -> Series:
    return series(SignalUnit.EUR_PER_MWH, *values, step_s=step_s)


def carbon(*values: float | None) -> Series:
    return series(SignalUnit.G_PER_KWH, *values)


def test_a_day_of_200_w_at_400_g_per_kwh_is_1920_g() -> None:
    """The original took grams per hour for grams per second: 3600 times as much."""
    told = report(ledger(*[(200.0, H)] * 24), NODE, START_S, START_S + 24 * H, carbon=carbon(*[400.0] * 24))
    assert told.energy.wh == pytest.approx(4800)
    assert told.carbon is not None
    assert told.carbon.amount == pytest.approx(1920)


def test_the_same_from_readings() -> None:
    kept = EnergyLedger(ZoneInfo("Europe/Paris"))
    for second in range(0, 2 * H + 1, 60):
        kept.add({NODE: Reading(NODE, 100.0, "m", False, second * 1_000_000_000)}, START_S + second)
    told = report(kept, NODE, START_S, START_S + 2 * H, prices=prices(100, 200), carbon=carbon(300, 100))
    assert told.energy.wh == pytest.approx(200)
    assert told.cost is not None
    assert told.cost.amount == pytest.approx(0.03)
    assert told.carbon is not None
    assert told.carbon.amount == pytest.approx(40)
    assert told.measured == pytest.approx(1)


def test_quarters_are_weighed_and_negative_prices_earn() -> None:
    told = report(ledger((1000.0, H)), NODE, START_S, START_S + H, prices=prices(100, -300, -100, -100, step_s=900))
    assert told.cost is not None
    assert told.cost.amount == pytest.approx(-0.1)
    assert told.cost.unknown_wh == 0
    assert "-0.10 EUR" in "\n".join(text_lines(told))


def test_hours_without_data_are_said_and_are_not_zero() -> None:
    told = report(ledger((100.0, H), None, None, (300.0, H / 2)), NODE, START_S, START_S + 4 * H, prices=prices(50))
    assert (told.hours, told.hours_missing) == (4, 2)
    assert told.energy.wh == pytest.approx(250)
    assert told.mean_w == pytest.approx(250 / 1.5)
    assert told.peak_hour_w == pytest.approx(300)
    assert told.measured == pytest.approx(1.5 / 4)
    assert told.cost is not None
    assert told.cost.amount == pytest.approx(0.005)
    assert told.cost.unknown_wh == pytest.approx(150)
    text = "\n".join(text_lines(told))
    assert "2 of 4 hours" in text
    assert "without 0.150 kWh" in text
    assert "38% of 4.0 h" in text


def test_nothing_at_all_is_not_known_rather_than_zero() -> None:
    told = report(ledger(), NODE, START_S, START_S + 2 * H, prices=prices(100, 100), work=Work(5, "jobs"), limit_w=400)
    assert (told.mean_w, told.peak_hour_w, told.headroom_w) == (None, None, None)
    assert (told.cost, told.carbon, told.work_per_wh) == (None, None, None)
    text = "\n".join(text_lines(told))
    assert "energy         not measured" in text
    assert text.count("not known") == 5
    assert "EUR" not in text


def test_the_running_hour_counts_as_long_as_it_is() -> None:
    told = report(ledger((100.0, 1800)), NODE, START_S + 60, START_S + 1800, prices=prices(100))
    assert (told.from_s, told.measured) == (START_S, 1)
    assert told.cost is not None
    assert told.cost.amount == pytest.approx(0.005)
    assert told.cost.unknown_wh == 0


def test_work_per_watt_needs_the_energy_of_all_the_time() -> None:
    whole = report(ledger((100.0, H), (100.0, H)), NODE, START_S, START_S + 2 * H, work=Work(5000, "requests"))
    assert whole.work_per_wh == pytest.approx(25)
    assert "25 per hour and watt" in "\n".join(text_lines(whole))
    part = report(ledger((100.0, H), None), NODE, START_S, START_S + 2 * H, work=Work(5000, "requests"))
    assert part.work_per_wh is None
    assert "too little was measured" in "\n".join(text_lines(part))


def test_headroom_is_below_the_limit_in_the_worst_hour() -> None:
    told = report(ledger((100.0, H), (350.0, H)), NODE, START_S, START_S + 2 * H, limit_w=400)
    assert told.headroom_w == pytest.approx(50)
    assert "headroom 50.0 W" in "\n".join(text_lines(told))


def test_the_four_metrics_of_the_original() -> None:
    counts = Counts(12, 9, 1, 3, data_wanted_s=1000, data_known_s=900)
    told = report(ledger(), NODE, START_S, START_S + H, counts=counts)
    assert (told.counts.refresh_success, told.counts.data_availability) == (0.9, 0.9)
    text = text_lines(told)
    assert [line.split()[-1] for line in text[-4:]] == ["12", "90.0%", "3", "90.0%"]
    assert (Counts().refresh_success, Counts().data_availability) == (None, None)


def test_estimates_and_marginal_carbon_are_marked() -> None:
    kept = ledger((100.0, H))
    kept.hours[NODE][START_S] = Energy(100.0, 40.0, H)
    told = report(kept, NODE, START_S, START_S + H, carbon=series(SignalUnit.MARGINAL_G_PER_KWH, 500))
    text = "\n".join(text_lines(told))
    assert "0.040 kWh of it were computed" in text
    assert "50 g CO2 (marginal)" in text


def test_units_are_not_mixed_up() -> None:
    with pytest.raises(ValueError, match="is needed"):
        report(ledger(), NODE, START_S, START_S + H, prices=carbon(1))
    with pytest.raises(ValueError, match="is needed"):
        report(ledger(), NODE, START_S, START_S + H, carbon=prices(1))
    with pytest.raises(ValueError, match="is no time"):
        report(ledger(), NODE, START_S, START_S)
    with pytest.raises(ValueError, match="400 days"):
        report(ledger(), NODE, 0, START_S)


def test_a_point_of_a_century_is_one_price_for_all() -> None:
    forever = Series(SignalUnit.EUR_PER_MWH, [SignalPoint(0, 3_000_000_000, 100.0)])
    told = report(ledger((1000.0, H), (1000.0, H)), NODE, START_S, START_S + 2 * H, prices=forever)
    assert told.cost is not None
    assert told.cost.amount == pytest.approx(0.2)
    assert told.cost.unknown_wh == 0


hours = st.lists(st.none() | st.tuples(st.floats(0, 1000), st.floats(1, H)), min_size=1, max_size=30)
values = st.lists(st.none() | st.floats(-500, 3000), max_size=30)


@settings(max_examples=100)
@given(hours, values)
def test_cost_lies_between_the_least_and_the_highest_price(
    drawn: list[tuple[float, float] | None], quoted: list[float | None]
) -> None:
    told: Report = report(ledger(*drawn), NODE, START_S, START_S + len(drawn) * H, prices=prices(*quoted))
    assert text_lines(told)
    assert told.hours_missing == drawn.count(None)
    if told.cost is None:
        return
    priced_wh = told.energy.wh - told.cost.unknown_wh
    known = [value for value in quoted if value is not None]
    assert told.cost.unknown_wh >= 0
    assert min(known) * priced_wh / 1e6 - 1e-9 <= told.cost.amount <= max(known) * priced_wh / 1e6 + 1e-9


# ---------------------------------------------------------------------- work


def test_a_counter_that_starts_again_loses_nothing_that_it_says() -> None:
    counter = WorkCounter("frames")
    assert counter.work is None
    for count in (100.0, 150.0, None, math.nan, -5.0, 170.0, 30.0, 40.0):
        counter.add(count)
    assert counter.work == Work(70 + 30 + 10, "frames")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("123\n", 123.0),
        (" 1.5e3 \nmore", 1500.0),
        ("", None),
        ("abc", None),
        ("-1", None),
        ("nan", None),
        ("1 2", None),
    ],
)
def test_what_a_command_prints(text: str, count: float | None) -> None:
    assert parse_count(text) == count


def test_processor_time_is_what_is_not_idle() -> None:
    assert cpu_seconds(Ticks(idle=4000, whole=10_000)) == 60
