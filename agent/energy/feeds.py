# SPDX-License-Identifier: Apache-2.0
"""From the site file's tables of signals to feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.day_store import DayStore
from agent.energy.feed import SignalFeed
from agent.energy.signals import registry
from agent.energy.signals.interface import SignalDay, SignalError, SignalUnit
from agent.energy.signals.kind import Around
from agent.energy.signals.names import check_name, check_zone
from agent.energy.signals.one_thread import OneThread
from agent.profile.decode import convert
from agent.profile.problem import KeyPath, Problem, dotted

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from agent.energy.signals.interface import SignalSource
    from agent.energy.signals.kind import SignalKind, SignalOptions
    from agent.energy.signals.table import SignalTable

PLACE: KeyPath = ("energy", "signals")
PAGE = "docs/energy-signals.md"
SECONDS_PER_H = 3600
FOLDER = "signals"


def problems(tables: Mapping[str, SignalTable]) -> Iterator[Problem]:
    """Everything that is wrong with the tables; paths begin with `energy.signals`. Touches neither network nor file."""
    for name, table in tables.items():
        yield from _problems((*PLACE, name), name, table)


def make_feeds(tables: Mapping[str, SignalTable], state_dir: Path, clock: Callable[[], float]) -> dict[str, SignalFeed]:
    """A feed for each table; days are kept in `state_dir/signals`. `clock` gives Unix time.

    Raises SignalError with every problem, each with its table and cure. A kind of another package that is broken is no
    such problem: its feed says why it knows nothing, and the others work.
    """
    found = list(problems(tables))
    if found:
        raise SignalError("; ".join(f"{dotted(one.path)}: {one.text}" for one in found), retry=False)
    store = DayStore(state_dir / FOLDER)
    return {
        name: SignalFeed(make_source(name, table), store, clock, table.max_stale_h * SECONDS_PER_H)
        for name, table in tables.items()
    }


def make_source(name: str, table: SignalTable) -> SignalSource:
    """The source of a table. Raises SignalError; never for what a foreign package does."""
    place = dotted((*PLACE, name))
    found = registry.find(table.kind)
    if found is None:
        raise SignalError(f"{place}.kind: {_unknown(table.kind)}", retry=False)
    if found.kind is None:
        return BrokenSource(name, table.zone, f"{place}.kind: {found.error}")
    options, wrong = convert(table.options, found.kind.options, PAGE)
    if options is None:
        why = "; ".join(f"{dotted((*PLACE, name, 'options', *one.path))}: {one.text}" for one in wrong)
        raise SignalError(why, retry=False)
    return _made(found.kind, options, name, table.zone, place)


def _made(kind: SignalKind, options: SignalOptions, name: str, zone: str, place: str) -> SignalSource:
    try:
        source = kind.make(options, Around(name, zone, OneThread(name)))
        if (source.name, source.zone) != (name, zone):
            raise SignalError("it has another name or zone than its table", retry=False)
        _ = source.unit, source.step_s, source.origin, source.ahead
    except (Exception, SystemExit) as error:  # noqa: BLE001  (a foreign package)
        return BrokenSource(name, zone, f"{place}: {type(error).__name__}: {error}")
    return source


class BrokenSource:
    """Stands for one that could not be made, and says so whenever it is asked."""

    unit = SignalUnit.MW
    step_s = 3600
    ahead = False

    def __init__(self, name: str, zone: str, why: str) -> None:
        self.name, self.zone = name, zone
        self.origin = "broken"
        self._why = why

    async def fetch(self, day: datetime.date) -> SignalDay:
        raise SignalError(self._why, retry=False)


def _problems(path: KeyPath, name: str, table: SignalTable) -> Iterator[Problem]:
    try:
        check_name(name)
    except SignalError as error:
        yield Problem(path, str(error))
    try:
        check_zone(table.zone)
    except SignalError as error:
        yield Problem((*path, "zone"), str(error))
    found = registry.find(table.kind)
    if found is None:
        yield Problem((*path, "kind"), _unknown(table.kind))
    elif found.kind is not None:
        yield from _option_problems((*path, "options"), found.kind, table)


def _option_problems(path: KeyPath, kind: SignalKind, table: SignalTable) -> list[Problem]:
    options, wrong = convert(table.options, kind.options, PAGE)
    found = [Problem((*path, *one.path), one.text) for one in wrong]
    if options is None:
        return found
    try:
        return found + [Problem((*path, key) if key else path, text) for key, text in kind.faults(options)]
    except Exception as error:  # noqa: BLE001  (a foreign package)
        return [Problem(path, f"cannot be checked: {type(error).__name__}: {error}; repair or update its package")]


def _unknown(kind: str) -> str:
    return f"no such kind (here: {kind[:40]!r}; there are: {', '.join(registry.names())}): install its package"
