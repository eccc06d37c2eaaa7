# SPDX-License-Identifier: Apache-2.0
"""Which kinds of signal there are: ours, and those that installed packages publish under `pgood.signals`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from agent.energy.signals.energy_charts import EnergyChartsPrice
from agent.energy.signals.file import FileSource
from agent.energy.signals.interface import SignalError
from agent.energy.signals.mock import MockSource
from agent.energy.signals.static import StaticSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.signals.interface import SignalSource

ENTRY_POINTS = "pgood.signals"


@dataclass(frozen=True, slots=True)
class SignalKind:
    """What an entry point leads to. `make` takes the options by keyword and touches neither network nor file."""

    summary: str
    make: Callable[..., SignalSource]


BUILT_IN = {
    "file": SignalKind("days from files", FileSource),
    "static": SignalKind("one value", StaticSource),
    "mock": SignalKind("made-up days by a seed", MockSource),
    "energy-charts": SignalKind("day-ahead prices, open", EnergyChartsPrice),
}


def make(kind: str, **options: Any) -> SignalSource:
    """A source by the name of its kind. Raises SignalError with the cure."""
    try:
        return _find(kind).make(**options)
    except SignalError:
        raise
    except (Exception, SystemExit) as error:
        raise SignalError(f"signal kind {kind}: {type(error).__name__}: {error}", retry=False) from error


def _find(name: str) -> SignalKind:
    if name in BUILT_IN:
        return BUILT_IN[name]
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        if entry.name == name:
            kind = entry.load()
            if isinstance(kind, SignalKind):
                return kind
            raise SignalError(f"{entry.value} is no SignalKind", retry=False)
    raise SignalError(f"there is no signal kind {name}: one of {', '.join(BUILT_IN)}", retry=False)
