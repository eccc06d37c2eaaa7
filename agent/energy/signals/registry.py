# SPDX-License-Identifier: Apache-2.0
"""Which kinds of signal there are: ours, and those that installed packages publish under `pgood.signals`."""

from __future__ import annotations

import functools
import importlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.signals.kind import ENTRY_POINTS, SignalKind, SignalOptions
from agent.entry_points import published

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

BUILT_IN = {
    "file": "agent.energy.signals.file",
    "static": "agent.energy.signals.static",
    "mock": "agent.energy.signals.mock",
    "energy-charts": "agent.energy.signals.energy_charts",
    "energy-charts-power": "agent.energy.signals.energy_charts_power",
    "entsoe": "agent.energy.signals.entsoe",
    "awattar": "agent.energy.signals.awattar",
    "gb-carbon": "agent.energy.signals.gb_carbon",
    "electricity-maps": "agent.energy.signals.electricity_maps",
    "epex-table": "agent.energy.signals.epex_table",
}
"""Module of each kind of ours, imported when it is first asked for; each has a KIND."""
OURS = "pgood"


@dataclass(frozen=True, slots=True)
class Found:
    """A kind by its name: usable, or with the reason why not."""

    name: str
    origin: str
    """`pgood`, or the package that published it with its version."""
    kind: SignalKind | None
    error: str = ""


def find(name: str) -> Found | None:
    """A kind by the name that a site file gives; None if nobody publishes it. Raises nothing."""
    if name in BUILT_IN:
        return _built_in(name)
    return next((_load(entry) for entry in _published() if entry.name == name), None)


def names() -> tuple[str, ...]:
    """Every kind's name; ours first."""
    return (*BUILT_IN, *sorted({entry.name for entry in _published()} - set(BUILT_IN)))


@functools.cache
def _built_in(name: str) -> Found:
    return Found(name, OURS, importlib.import_module(BUILT_IN[name]).KIND)


def _published() -> tuple[EntryPoint, ...]:
    """Of packages, in a fixed order, so that the same one of two wins every time."""
    try:
        return tuple(sorted(published(ENTRY_POINTS), key=lambda entry: (entry.name, _origin(entry))))
    except Exception:  # damaged metadata of some package
        log.exception("signals of other packages cannot be listed")
        return ()


def _load(entry: EntryPoint) -> Found:
    origin = _origin(entry)
    try:
        kind = entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a foreign module raises is told)
        why = f"{entry.value} cannot be imported: {type(error).__name__}: {error}"
        return Found(entry.name, origin, None, f"{why}; repair or update {origin}")
    cure = f"ask the maker of {origin}"
    if not isinstance(kind, SignalKind):
        return Found(entry.name, origin, None, f"{entry.value} is no SignalKind; {cure}")
    if not (isinstance(kind.options, type) and issubclass(kind.options, SignalOptions)):
        return Found(entry.name, origin, None, f"{entry.value}: its options are no SignalOptions; {cure}")
    return Found(entry.name, origin, kind)


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown package"
