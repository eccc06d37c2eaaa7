# SPDX-License-Identifier: Apache-2.0
"""The table of auction results as EPEX SPOT's pages had it: labels in anchors, rows of class `child`, four cells.

Labels and rows are two lists that belong together by their order; each cell is read alone, so that a bad one is a hole
in its own row and moves no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from agent.energy.signals.interface import SignalError

LABEL = re.compile(r"\s*(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})\s*")
CELLS = 4
VOLUME, PRICE = 2, 3
"""Columns: buy volume, sell volume, volume (MWh), price (EUR/MWh)."""
MAX_ROWS = 400
MAX_CELL = 64
NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Row:
    """`start_minute` by the clock on the wall; values that cannot be read are None."""

    start_minute: int
    minutes: int
    volume_mwh: float | None
    price_eur_mwh: float | None


def read_table(text: str, place: str) -> tuple[Row, ...]:
    """Raises SignalError when there is no such table."""
    page = _Page()
    page.feed(text)
    page.close()
    if not page.rows:
        raise SignalError(f"{place}: no rows of class child: this is no table of results", retry=True)
    if len(page.rows) != len(page.labels) or len(page.rows) > MAX_ROWS:
        what = f"{len(page.labels)} periods and {len(page.rows)} rows"
        raise SignalError(f"{place}: {what}, which value belongs to which time cannot be told", retry=True)
    return tuple(_row(label, cells) for label, cells in zip(page.labels, page.rows, strict=True))


def _row(label: tuple[int, int], cells: list[str]) -> Row:
    if len(cells) != CELLS:
        return Row(*label, None, None)
    return Row(*label, _number(cells[VOLUME]), _number(cells[PRICE]))


def _number(text: str) -> float | None:
    """1,234.5 in English; None for a dash, nothing, or anything else."""
    text = text.strip().replace("\u2212", "-")
    return float(text.replace(",", "")) if NUMBER.fullmatch(text) else None


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.labels: list[tuple[int, int]] = []
        self.rows: list[list[str]] = []
        self._in_row = False
        self._anchor: str | None = None
        self._cell: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._end_cell()
            self._in_row = "child" in (dict(attrs).get("class") or "").split()
            if self._in_row:
                self.rows.append([])
        elif tag == "td" and self._in_row:
            self._end_cell()
            self._cell = ""
        elif tag == "a":
            self._anchor = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "tr", "table"):
            self._end_cell()
            self._in_row = self._in_row and tag == "td"
        elif tag == "a" and self._anchor is not None:
            match = LABEL.fullmatch(self._anchor)
            if match:
                start, end = (int(match[one]) * 60 + int(match[one + 1]) for one in (1, 3))
                self.labels.append((start, (end - start) % 1440))
            self._anchor = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell = (self._cell + data)[:MAX_CELL]
        if self._anchor is not None:
            self._anchor = (self._anchor + data)[:MAX_CELL]

    def _end_cell(self) -> None:
        if self._cell is not None and self.rows:
            self.rows[-1].append(self._cell)
        self._cell = None
