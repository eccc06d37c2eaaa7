# SPDX-License-Identifier: Apache-2.0
"""ENTSO-E's market documents, read as a stream: no DTD, no entities, no depth, little memory.

Names are compared without their namespace, which changes with each version of the documents.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from agent.energy.signals.interface import SignalError
from agent.energy.signals.utc_time import unix_s

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 16
MAX_TEXT = 200
MAX_PERIOD_S = 400 * 86_400
STEPS_S = {"PT15M": 900, "PT30M": 1800, "PT60M": 3600, "PT1H": 3600}
ACKNOWLEDGEMENT = "Acknowledgement_MarketDocument"
"""What comes, with status 200, in place of data that are not there."""
FACTS_OF = ("TimeSeries", "MktPSRType")
VALUES = ("price.amount", "quantity")


@dataclass(frozen=True, slots=True)
class Period:
    """Values by position, from 1 on; `count` positions of `step_s` each."""

    start_s: int
    step_s: int
    count: int
    values: Mapping[int, float]


@dataclass(slots=True)
class Series:
    """One time series: its own elements by name, such as `curveType` and `currency_Unit.name`."""

    facts: dict[str, str] = field(default_factory=dict)
    periods: list[Period] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """`reason` is set when there is no data: ENTSO-E's own words."""

    series: tuple[Series, ...]
    reason: str = ""


def read_document(body: bytes, place: str) -> Document:
    """Raises SignalError."""
    reader = _Reader(place)
    try:
        reader.parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise SignalError(f"{place}: no XML of ENTSO-E: {error}", retry=True) from None
    if reader.root == ACKNOWLEDGEMENT:
        return Document((), reader.reason or "no reason is given")
    if not reader.root.endswith("_MarketDocument"):
        raise SignalError(f"{place}: {reader.root[:40]} is no document of ENTSO-E", retry=True)
    return Document(tuple(reader.series))


class _Reader:
    """Keeps the text of the elements that matter, while the parser walks through."""

    def __init__(self, place: str) -> None:
        self.series: list[Series] = []
        self.reason = ""
        self.root = ""
        self._place = place
        self._path: list[str] = []
        self._text = ""
        self._period: dict[str, str] = {}
        self._point: dict[str, str] = {}
        self._values: dict[int, float] = {}
        parser = self.parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise SignalError(f"{self._place}: XML with a DTD or entities is refused", retry=True)

    def _start(self, name: str, _: object) -> None:
        local = name.rpartition(" ")[2]
        if len(self._path) >= MAX_DEPTH:
            raise SignalError(f"{self._place}: XML nested deeper than {MAX_DEPTH}", retry=True)
        self.root = self.root or local
        self._path.append(local)
        self._text = ""
        if local == "TimeSeries":
            self.series.append(Series())
        elif local == "Period":
            self._period, self._values = {}, {}
        elif local == "Point":
            self._point = {}

    def _data(self, text: str) -> None:
        if len(self._text) < MAX_TEXT:
            self._text += text[:MAX_TEXT]

    def _end(self, _: str) -> None:
        local = self._path.pop()
        parent = self._path[-1] if self._path else ""
        text, self._text = self._text.strip(), ""
        if local == "Point":
            self._end_point()
        elif local == "Period" and self.series:
            self.series[-1].periods.append(self._end_period())
        elif parent == "Point":
            self._point[local] = text
        elif parent in ("Period", "timeInterval"):
            self._period[local] = text
        elif parent in FACTS_OF and self.series:
            self.series[-1].facts[local] = text
        elif parent == "Reason" and local == "text":
            self.reason = text

    def _end_point(self) -> None:
        try:
            position = int(self._point["position"])
            value = float(next(self._point[name] for name in VALUES if name in self._point))
        except (KeyError, ValueError, StopIteration):
            raise SignalError(f"{self._place}: a point without position and value", retry=True) from None
        if position in self._values:
            raise SignalError(f"{self._place}: position {position} is there twice", retry=True)
        self._values[position] = value

    def _end_period(self) -> Period:
        try:
            start_s, end_s = (unix_s(self._period[name], self._place) for name in ("start", "end"))
            step_s = STEPS_S[self._period["resolution"]]
        except KeyError:
            raise SignalError(f"{self._place}: a period without start, end or a known resolution", retry=True) from None
        count, rest_s = divmod(end_s - start_s, step_s)
        if rest_s or not 0 < end_s - start_s <= MAX_PERIOD_S or not all(0 < at <= count for at in self._values):
            raise SignalError(f"{self._place}: positions that do not fit their period", retry=True)
        return Period(start_s, step_s, count, self._values)
