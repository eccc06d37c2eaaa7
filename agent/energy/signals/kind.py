# SPDX-License-Identifier: Apache-2.0
"""What a kind of signal is: the value that an entry point of `pgood.signals` leads to (docs/energy-signals.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.energy.signals.interface import SignalSource
    from agent.energy.signals.one_thread import OneThread

ENTRY_POINTS = "pgood.signals"
"""Name of the entry-point group; an entry point's name is what a site file writes as `kind`."""


class SignalOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every kind's options: the keys of `[energy.signals.NAME.options]`."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a source is lent."""

    name: str
    """Of the signal; lower-case letters, digits, dash, underscore."""
    zone: str
    thread: OneThread
    """For what blocks: files, names, connections."""


Fault = tuple[str, str]
"""An option's key (empty = the whole table) and what is wrong with it, in words for a person."""


def no_faults(options: Any) -> Iterable[Fault]:
    """For kinds whose options the schema describes in full."""
    return ()


@dataclass(frozen=True, slots=True)
class SignalKind:
    """One kind. Its functions touch neither network nor file: `fetch` of the source does."""

    summary: str
    """One line for a person, with the licence of the data where there is one."""
    options: type[SignalOptions]
    make: Callable[[Any, Around], SignalSource]
    faults: Callable[[Any], Iterable[Fault]] = no_faults
    """What the schema cannot say: options that contradict each other."""
