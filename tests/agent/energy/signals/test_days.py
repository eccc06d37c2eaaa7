# SPDX-License-Identifier: Apache-2.0
"""Days of 92, 96 and 100 quarters in many zones; the two forms of files; nothing damaged gets through."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.day_store import HEADER, PRICE, VOLUME, DayStore, parse_own, parse_periods
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit
from agent.energy.signals.mock import MockOptions, made_up
from agent.energy.slots import day_slot, local_day, quarters, wall_minute
from agent.energy.test_data import powercap_text, write_day, write_powercap_day
from tests.agent.energy.signals.sources import PARIS, fetch, refusal, source

DAY = datetime.date(2025, 10, 9)
SPRING, AUTUMN = datetime.date(2026, 3, 29), datetime.date(2026, 10, 25)
ZONES = (
    PARIS,
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",  # clocks were changed at midnight
    "America/Havana",
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",  # 5:45
    "Asia/Kolkata",
    "Pacific/Apia",  # a day was left out
    "UTC",
)
zones = st.sampled_from(ZONES)
days = st.dates(datetime.date(2000, 1, 1), datetime.date(2037, 12, 31))
HEAD = "Period,Volume (MWh),Price (€/MWh)\n"


def data_of(day: datetime.date, zone: str, name: str = "price") -> SignalDay:
    return SignalDay(name, SignalUnit.EUR_PER_MWH, zone, "made", 0.0, made_up(MockOptions(), name, day, zone))


@pytest.mark.parametrize(("day", "count"), [(SPRING, 92), (AUTUMN, 100), (DAY, 96)])
def test_quarters_of_a_day(day: datetime.date, count: int) -> None:
    assert len(quarters(day, PARIS)) == count
    assert len(quarters(day, "Europe/London")) == count


def test_a_change_by_half_an_hour_and_a_day_that_never_was() -> None:
    assert len(quarters(datetime.date(2026, 10, 4), "Australia/Lord_Howe")) == 94
    assert len(quarters(datetime.date(2011, 12, 30), "Pacific/Apia")) == 0


@given(days, zones)
@settings(max_examples=100)
def test_each_instant_is_in_exactly_one_quarter_of_one_day(day: datetime.date, zone: str) -> None:
    after = day + datetime.timedelta(days=1)
    slots = [*quarters(day, zone), *quarters(after, zone)]
    for earlier, later in itertools.pairwise(slots):
        assert earlier.end_utc_s == later.start_utc_s
    for slot in quarters(day, zone):
        assert local_day(slot.start_utc_s, zone) == day
        assert local_day(slot.end_utc_s - 1, zone) == day


@given(days, zones, st.integers(0, 86_399))
@settings(max_examples=100)
def test_every_second_is_in_its_local_day(day: datetime.date, zone: str, second: int) -> None:
    now_s = day_slot(day, "UTC").start_utc_s + second
    whole = day_slot(local_day(now_s, zone), zone)
    assert whole.start_utc_s <= now_s < whole.end_utc_s


@given(days, zones, st.sampled_from((VOLUME, PRICE)))
@settings(max_examples=60)
def test_powercap_form_keeps_every_quarter(day: datetime.date, zone: str, column: str) -> None:
    """Also the second hour of a label that is there twice, and 23:45-24:00."""
    points = parse_periods(powercap_text(day, zone, 3), "f", day, zone, column)
    assert [(point.start_s, point.duration_s) for point in points] == [
        (slot.start_utc_s, slot.duration_s) for slot in quarters(day, zone)
    ]


@given(days, zones)
@settings(max_examples=60, deadline=None)
def test_own_form_keeps_everything(day: datetime.date, zone: str) -> None:
    if not quarters(day, zone):
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = DayStore(Path(folder))
        store.write(day, data_of(day, zone))
        assert store.read("price", day) == data_of(day, zone)


def test_labels_that_are_there_twice_mean_both_hours() -> None:
    labels = Counter(line.partition(",")[0] for line in powercap_text(AUTUMN, PARIS, 1).splitlines()[1:])
    assert labels["02:15-02:30"] == 2
    rows = [f"02:{minute:02}-x,{value},0\n" for value, minute in enumerate((0, 15, 30, 45, 0, 15, 30, 45))]
    points = parse_periods(HEAD + "".join(rows), "f", AUTUMN, PARIS, VOLUME)
    assert [point.value for point in points] == list(range(8))
    assert {wall_minute(point.start_s, PARIS) // 60 for point in points} == {2}


def test_a_plain_day_of_96_labels_fits_the_days_of_92_and_100() -> None:
    """The original writes 96 labels on every day."""
    plain = powercap_text(DAY, PARIS, 1)
    assert len(parse_periods(plain, "f", SPRING, PARIS, PRICE)) == 92
    autumn = parse_periods(plain, "f", AUTUMN, PARIS, PRICE)
    assert len(autumn) == 96
    assert autumn[-1].end_s == day_slot(AUTUMN, PARIS).end_utc_s


def test_the_last_quarter_of_the_original_is_there() -> None:
    for last in ("23:45-24:00", "23:45-00:00"):
        points = parse_periods(HEAD + f"00:00-00:15,65.5,38.00\n{last},120.6,142.04\n", "f", DAY, PARIS, VOLUME)
        assert (points[-1].value, points[-1].end_s) == (120.6, day_slot(DAY, PARIS).end_utc_s)


@pytest.mark.parametrize(
    "rows",
    [
        "23:45-24:00,1,1\n23:45-24:00,1,1\n",
        "24:00-24:15,1,1\n",
        "00:60-01:15,1,1\n",
        "00:07-00:22,1,1\n",
        "-1:00-00:15,1,1\n",
        "x,1,1\n",
        "00:00-00:15,,1\n",
        "00:00-00:15,nan,1\n",
        "00:00-00:15,1e999,1\n",
        "00:00-00:15\n",
        '00:00-00:15,"1,1\n',
        "00:00-00:15,1\x00,1\n",
    ],
)
def test_damaged_rows_are_refused_with_their_line(rows: str) -> None:
    with pytest.raises(SignalError, match=r"f: line [123]"):
        parse_periods(HEAD + rows, "f", DAY, PARIS, VOLUME)


@given(st.text(max_size=200), st.booleans())
@settings(max_examples=100)
def test_any_text_is_a_day_or_an_error(text: str, own: bool) -> None:
    try:
        if own:
            parse_own(",".join(HEADER) + "\n" + text, "f")
        else:
            parse_periods(HEAD + text, "f", DAY, PARIS, VOLUME)
    except SignalError:
        return


def own_rows(day: datetime.date, **changes: Any) -> str:
    start_s = day_slot(day, PARIS).start_utc_s
    row = {"start_utc_s": start_s, "duration_s": 900, "value": 1.5, "signal": "price", "unit": "EUR/MWh"}
    row |= {"zone": PARIS, "source": "x", "fetched_at_s": 0.0, **changes}
    return ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"start_utc_s": 0},
        {"start_utc_s": "1" * 5000},
        {"start_utc_s": 10**17},
        {"start_utc_s": day_slot(DAY, PARIS).end_utc_s},
        {"duration_s": 0},
        {"duration_s": -900},
        {"duration_s": 10**9},
        {"value": "nan"},
        {"value": "1e300"},
        {"value": ""},
        {"unit": "EUR/kWh"},
        {"zone": "Mars/Olympus"},
        {"zone": "../../etc/passwd"},
        {"fetched_at_s": "soon"},
    ],
)
def test_a_damaged_or_misplaced_own_file_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    store = DayStore(tmp_path)
    store.path("price", DAY).write_text(own_rows(DAY, **changes))
    with pytest.raises(SignalError):
        store.read("price", DAY)
    store.path("price", DAY).write_text(own_rows(DAY))
    assert store.read("price", DAY) is not None


def test_two_values_for_one_time_are_refused(tmp_path: Path) -> None:
    text = own_rows(DAY)
    (tmp_path / "price_2025-10-09.csv").write_text(text + text.splitlines()[1] + "\n")
    with pytest.raises(SignalError, match="two values hold"):
        DayStore(tmp_path).read("price", DAY)


def test_the_file_of_another_day_is_refused(tmp_path: Path) -> None:
    store = DayStore(tmp_path)
    store.write(DAY, data_of(DAY, PARIS))
    after = DAY + datetime.timedelta(days=1)
    store.path("price", DAY).rename(store.path("price", after))
    with pytest.raises(SignalError, match="of another day"):
        store.read("price", after)
    assert "of another day" in str(refusal(source("file", pattern=f"{tmp_path}/price_{{day}}.csv"), after))


@pytest.mark.parametrize("name", ["", "Price", "../x", "a/b", "a b", "-a", "x" * 33, "a\n", "prix€", "a.b"])
def test_names_that_become_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(SignalError, match="cannot be called"):
        DayStore(tmp_path).path(name, DAY)


def test_writing_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, then its name, then the directory are on the disk; a failure leaves the old day."""
    store = DayStore(tmp_path)
    store.write(DAY, data_of(DAY, PARIS))
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store.write(DAY, data_of(DAY, PARIS))
    assert synced == ["price_2025-10-09.csv.new", tmp_path.name]
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        store.write(DAY, SignalDay("price", SignalUnit.EUR_PER_MWH, PARIS, "x", 0.0, ()))
    assert store.read("price", DAY) == data_of(DAY, PARIS)


def test_old_files_are_pruned_by_number_and_only_ours(tmp_path: Path) -> None:
    store = DayStore(tmp_path, kept=3)
    others = ["price_long_2020-01-01.csv", "price_2020-13-01.csv", "volume_2020-01-01.csv", "price.csv"]
    for name in others:
        (tmp_path / name).write_text("x")
    far = datetime.date(2099, 1, 1)  # the clock jumped
    for day in (DAY, DAY + datetime.timedelta(days=1), far, DAY + datetime.timedelta(days=2)):
        store.write(day, data_of(day, PARIS))
    assert store.days("price") == [DAY + datetime.timedelta(days=1), DAY + datetime.timedelta(days=2), far]
    assert {path.name for path in tmp_path.iterdir()} >= set(others)


def test_a_file_source_reads_both_forms(tmp_path: Path) -> None:
    write_powercap_day(tmp_path, DAY, PARIS, 7)
    write_day(tmp_path, "price", DAY, PARIS, 7)
    volume = fetch(source("file", pattern=f"{tmp_path}/mock_data_{{day}}.csv", unit="MWh"), DAY)
    price = fetch(source("file", pattern=f"{tmp_path}/mock_data_{{day}}.csv"), DAY)
    own = fetch(source("file", pattern=f"{tmp_path}/price_{{day}}.csv"), DAY)
    assert len(volume.points) == len(price.points) == len(own.points) == 96
    assert [point.value for point in price.points] == [point.value for point in own.points]
    assert price.points != volume.points


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"pattern": "mock_data", "unit": "gCO2/kWh"}, "no gCO2/kWh"),
        ({"pattern": "price", "unit": "MW"}, "in EUR/MWh, not in MW"),
        ({"pattern": "none"}, "No such file"),
        ({"pattern": "pipe"}, "no plain file"),
        ({"pattern": "folder"}, "no plain file"),
        ({"pattern": "latin"}, "UTF-8"),
        ({"pattern": "large"}, "larger than"),
        ({"pattern": "nul\0"}, "cannot be read"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, options: dict[str, str], why: str) -> None:
    write_powercap_day(tmp_path, DAY, PARIS, 7)
    write_day(tmp_path, "price", DAY, PARIS, 7)
    os.mkfifo(tmp_path / f"pipe_{DAY}.csv")
    (tmp_path / f"folder_{DAY}.csv").mkdir()
    (tmp_path / f"latin_{DAY}.csv").write_bytes(b"Period\xa4")
    (tmp_path / f"large_{DAY}.csv").write_bytes(b" " * 1_000_001)
    made = source("file", **{**options, "pattern": f"{tmp_path}/{options['pattern']}_{{day}}.csv"})
    assert why in str(refusal(made, DAY))


def test_test_data_is_the_same_by_seed(tmp_path: Path) -> None:
    def files(seed: int) -> list[bytes]:
        folder = tmp_path / str(seed)
        paths = [write_day(folder, "price", AUTUMN, PARIS, seed), write_powercap_day(folder, AUTUMN, PARIS, seed)]
        return [path.read_bytes() for path in paths]

    first = files(1)
    assert first == files(1)
    assert all(one != other for one, other in zip(first, files(2), strict=True))
    lines = first[1].decode().splitlines()
    assert (lines[0], len(lines)) == ("Period,Volume (MWh),Price (€/MWh)", 101)
    assert lines[-1].startswith("23:45-24:00,")
    assert [path.name for path in sorted((tmp_path / "1").iterdir())] == [
        "mock_data_2026-10-25.csv",
        "price_2026-10-25.csv",
    ]


def test_points_are_finite() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="no point"):
            SignalPoint(0, 900, value)


def test_mock_and_static_fill_every_day() -> None:
    kinds: dict[str, dict[str, Any]] = {"mock": {}, "static": {"value": -3.5, "unit": "gCO2/kWh"}}
    for kind, options in kinds.items():
        for day in (SPRING, AUTUMN):
            data = asyncio.run(source(kind, **options).fetch(day))
            assert [point.start_s for point in data.points] == [slot.start_utc_s for slot in quarters(day, PARIS)]
