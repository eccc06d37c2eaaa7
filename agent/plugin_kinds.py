# SPDX-License-Identifier: Apache-2.0
"""Kinds of something by name: ours, and those that installed packages publish under a group of entry points."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from agent.entry_points import published

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

OURS = "pgood"


class Kind(Protocol):
    """What an entry point leads to."""

    @property
    def options(self) -> type: ...


K = TypeVar("K", bound=Kind)


@dataclass(frozen=True, slots=True)
class Found(Generic[K]):
    """A kind by its name: usable, or with the reason why not."""

    name: str
    origin: str
    """`pgood`, or the package that published it with its version."""
    kind: K | None
    error: str = ""


class PluginKinds(Generic[K]):
    """Of one group of entry points. Nothing here raises for what a foreign package does."""

    def __init__(self, group: str, built_in: Mapping[str, str], kind: type[K], options: type) -> None:
        """`built_in`: the module of each kind of ours, imported when it is first asked for; each has a KIND.

        `options`: what the options of each kind are derived from.
        """
        self._group = group
        self._built_in = built_in
        self._kind = kind
        self._options = options

    def find(self, name: str) -> Found[K] | None:
        """A kind by its name; None if nobody publishes it."""
        if name in self._built_in:
            return self._of_ours(name)
        return next((self._load(entry) for entry in self._published() if entry.name == name), None)

    def names(self) -> tuple[str, ...]:
        """Every kind's name; ours first."""
        return (*self._built_in, *sorted({entry.name for entry in self._published()} - set(self._built_in)))

    def everything(self) -> tuple[Found[K], ...]:
        """Every kind, broken ones and those that may not be used because the name is taken included."""
        seen: set[str] = set(self._built_in)
        found = [self._of_ours(name) for name in self._built_in]
        for entry in self._published():
            if entry.name in seen:
                taken = "the name is taken already: this one is not used"
                found.append(Found(entry.name, _origin(entry), None, taken))
            else:
                found.append(self._load(entry))
            seen.add(entry.name)
        return tuple(found)

    def _of_ours(self, name: str) -> Found[K]:
        return Found(name, OURS, importlib.import_module(self._built_in[name]).KIND)

    def _published(self) -> tuple[EntryPoint, ...]:
        """Of packages, in a fixed order, so that the same one of two wins every time."""
        try:
            return tuple(sorted(published(self._group), key=lambda entry: (entry.name, _origin(entry))))
        except Exception:  # damaged metadata of some package
            log.exception("%s of other packages cannot be listed", self._group)
            return ()

    def _load(self, entry: EntryPoint) -> Found[K]:
        origin = _origin(entry)
        cure = f"ask the maker of {origin}"
        try:
            kind = entry.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a foreign module raises is told)
            why = f"{entry.value} cannot be imported: {type(error).__name__}: {error}"
            return Found(entry.name, origin, None, f"{why}; repair or update {origin}")
        if not isinstance(kind, self._kind):
            return Found(entry.name, origin, None, f"{entry.value} is no {self._kind.__name__}; {cure}")
        if not (isinstance(kind.options, type) and issubclass(kind.options, self._options)):
            why = f"{entry.value}: its options are no {self._options.__name__}"
            return Found(entry.name, origin, None, f"{why}; {cure}")
        return Found(entry.name, origin, kind)


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown package"
