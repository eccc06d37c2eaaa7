# SPDX-License-Identifier: Apache-2.0
"""Which kinds of adapter there are: ours, and those that installed packages publish under `pgood.adapters`."""

from __future__ import annotations

import functools
import importlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.entry_points import published
from agent.hardware.adapters.interface import ENTRY_POINTS, AdapterKind, AdapterOptions

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

BUILT_IN = {
    "gpio": "agent.hardware.adapters.gpio",
    "line": "agent.hardware.adapters.line",
    "pmbus": "agent.hardware.adapters.pmbus",
    "ipmi": "agent.hardware.adapters.ipmi",
    "wol": "agent.hardware.adapters.wol",
    "mqtt-plug": "agent.hardware.adapters.mqtt_plug",
    "command": "agent.hardware.adapters.command",
}
"""Module of each kind of ours, imported when it is first asked for; each has a KIND."""
OURS = "pgood"


@dataclass(frozen=True, slots=True)
class Found:
    """A kind by its name: usable, or with the reason why not."""

    name: str
    origin: str
    """`pgood`, or the package that published it with its version."""
    kind: AdapterKind | None
    error: str = ""


def find(name: str) -> Found | None:
    """A kind by the name that a profile gives; None if nobody publishes it. Raises nothing."""
    if name in BUILT_IN:
        return _built_in(name)
    return next((_load(entry) for entry in _published() if entry.name == name), None)


def names() -> tuple[str, ...]:
    """Every kind's name; ours first."""
    return (*BUILT_IN, *sorted({entry.name for entry in _published()} - set(BUILT_IN)))


def everything() -> tuple[Found, ...]:
    """Every kind, broken ones and those that may not be used because the name is taken included."""
    seen: set[str] = set(BUILT_IN)
    found = [_built_in(name) for name in BUILT_IN]
    for entry in _published():
        if entry.name in seen:
            found.append(Found(entry.name, _origin(entry), None, "the name is taken already: this one is not used"))
        else:
            found.append(_load(entry))
        seen.add(entry.name)
    return tuple(found)


@functools.cache
def _built_in(name: str) -> Found:
    return Found(name, OURS, importlib.import_module(BUILT_IN[name]).KIND)


def _published() -> tuple[EntryPoint, ...]:
    """Of packages, in a fixed order, so that the same one of two wins every time."""
    try:
        return tuple(sorted(published(ENTRY_POINTS), key=lambda entry: (entry.name, _origin(entry))))
    except Exception:  # damaged metadata of some package
        log.exception("adapters of other packages cannot be listed")
        return ()


def _load(entry: EntryPoint) -> Found:
    origin = _origin(entry)
    try:
        kind = entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a foreign module raises is told)
        why = f"{entry.value} cannot be imported: {type(error).__name__}: {error}"
        return Found(entry.name, origin, None, f"{why}; repair or update {origin}")
    if not isinstance(kind, AdapterKind):
        return Found(entry.name, origin, None, f"{entry.value} is no AdapterKind; ask the maker of {origin}")
    options = kind.options
    if not (isinstance(options, type) and issubclass(options, AdapterOptions)):
        return Found(entry.name, origin, None, f"{entry.value}: its options are no AdapterOptions")
    return Found(entry.name, origin, kind)


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown package"
