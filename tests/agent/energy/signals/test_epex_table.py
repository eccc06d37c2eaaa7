# SPDX-License-Identifier: Apache-2.0
"""The table of auction results: a bad cell is a hole in its own row; nothing is asked unless a place is named."""

from __future__ import annotations

import datetime
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.signals import epex_table, registry
from agent.energy.signals.epex_html import read_table
from agent.energy.signals.epex_table import EpexOptions
from agent.energy.signals.interface import SignalError
from agent.energy.slots import day_slot
from tests.agent.energy.signals.misbehaving import say, serving
from tests.agent.energy.signals.sources import ANSWERS, PARIS, fetch, refusal, source

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime.date(2026, 9, 25)
START_S = day_slot(DAY, PARIS).start_utc_s
PAGE = (ANSWERS / "epex_table.html").read_text()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "epex_2026-09-25.html").write_text(PAGE)
    return tmp_path / "epex_{day}.html"


def test_prices_with_their_holes(saved: Path) -> None:
    points = fetch(source("epex-table", path=str(saved)), DAY).points
    by_quarter = {(point.start_s - START_S) // 900: point.value for point in points}
    assert set(range(96)) - set(by_quarter) == {10, 11}  # a dash, and a row of one cell
    assert by_quarter[0] == 40.0
    assert by_quarter[50] == -12.3
    rows = read_table(PAGE, "here")
    assert [by_quarter[i] for i in (12, 95)] == [rows[i].price_eur_mwh for i in (12, 95)]
    assert rows[95].start_minute == 23 * 60 + 45


def test_volumes_with_thousands(saved: Path) -> None:
    points = fetch(source("epex-table", path=str(saved), unit="MWh"), DAY).points
    assert [point.value for point in points[:2]] == [1000.0, 1012.5]
    assert len(points) == 95


def test_a_page_by_http() -> None:
    with serving() as server:
        server.answers["/r"] = say("200 OK", PAGE.encode(), "Content-Type: text/html")
        url = server.url + "/r?delivery_date={day}&trading_date={day_before}"
        data = fetch(source("epex-table", url=url), DAY)
        assert len(data.points) == 94
        assert b"GET /r?delivery_date=2026-09-25&trading_date=2026-09-24 " in server.requests[0]
        assert "delivery_date" not in data.source


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (EpexOptions(), ""),
        (EpexOptions(path="/a/{day}", url="http://a/{day}"), ""),
        (EpexOptions(path="/a/b.html"), "path"),
        (EpexOptions(url="https://a.example/b"), "url"),
        (EpexOptions(url="ftp://a.example/{day}"), "url"),
    ],
)
def test_nothing_is_built_in(options: EpexOptions, key: str) -> None:
    assert [fault for fault, _ in epex_table.faults(options)] == [key]
    found = registry.find("epex-table")
    assert found is not None
    assert found.kind is not None
    assert "off by default" in found.kind.summary


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("", "no table"),
        ("<html><body>Please accept cookies</body></html>", "no table"),
        (PAGE.replace('<li class="child"><a href="#">00:15 - 00:30</a></li>', ""), "95 periods and 96 rows"),
        (PAGE.replace("00:15 - 00:30", "00:00 - 00:15"), "00:00 is there too often"),
        (PAGE.replace("00:15 - 00:30", "00:15 - 00:22"), "00:15"),
    ],
)
def test_pages_that_are_refused(tmp_path: Path, page: str, why: str) -> None:
    (tmp_path / "2026-09-25").write_text(page)
    assert why in str(refusal(source("epex-table", path=str(tmp_path / "{day}")), DAY))


def test_a_page_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "2026-09-25")
    error = refusal(source("epex-table", path=str(tmp_path / "{day}")), DAY)
    assert (error.retry, "no plain file" in str(error)) == (False, True)
    (tmp_path / "2026-09-26").write_bytes(b" " * (epex_table.MAX_BYTES + 1))
    later = refusal(source("epex-table", path=str(tmp_path / "{day}")), DAY + datetime.timedelta(days=1))
    assert "larger than" in str(later)


@given(
    st.lists(st.sampled_from(["<tr class='child'>", "<td>", "1,2", "</td>", "</tr>", "<a>", "00:00 - 00:15", "</a>"]))
)
@settings(max_examples=100)
def test_any_page(parts: list[str]) -> None:
    try:
        rows = read_table("".join(parts), "here")
    except SignalError:
        return
    assert rows


def test_each_bad_cell_is_a_hole_of_its_own_row() -> None:
    clean = read_table(PAGE, "here")
    for bad in ("", "-", "n/a", "1.2.3", "12,34", "<b>7", "nan", "inf", "1e5"):
        broken = read_table(PAGE.replace("<td>-12.30</td>", f"<td>{bad}</td>"), "here")
        hole = None if bad != "<b>7" else 7.0
        assert broken[50].price_eur_mwh == hole
        assert broken[:50] + broken[51:] == clean[:50] + clean[51:]
