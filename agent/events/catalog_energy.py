# SPDX-License-Identifier: Apache-2.0
"""The catalogue's part of energy: caps, signals, battery. None of it is a record of the system event log."""

from __future__ import annotations

from agent.events.catalog_entry import PGOOD, CatalogEntry
from agent.events.event import EventKind, Severity

_OK, _WARNING, _CRITICAL = Severity.OK, Severity.WARNING, Severity.CRITICAL

ENERGY: dict[EventKind, CatalogEntry] = {
    EventKind.ENERGY_CAP: CatalogEntry(_OK, PGOOD + "PowerCap", "The cap is {1} W, by the policy {2}: {3}."),
    EventKind.ENERGY_CAP_FAILED: CatalogEntry(
        _WARNING, PGOOD + "PowerCapFailed", "The cap of {1} W is not in force: {2}."
    ),
    EventKind.ENERGY_CAP_WORKS: CatalogEntry(_OK, PGOOD + "PowerCapWorks", "The cap of {1} W is in force again."),
    EventKind.ENERGY_RECOVERED: CatalogEntry(
        _OK, PGOOD + "PowerCapRecovered", "Limits that an agent before this one had left were given back: {1}."
    ),
    EventKind.ENERGY_NOT_RECOVERED: CatalogEntry(
        _WARNING,
        PGOOD + "PowerCapNotRecovered",
        "Limits that an agent before this one had left cannot be given back: {1}.",
    ),
    EventKind.ENERGY_SIGNAL_STALE: CatalogEntry(_WARNING, PGOOD + "SignalStale", "Signal {0} is of another day: {1}."),
    EventKind.ENERGY_SIGNAL_EXPIRED: CatalogEntry(
        _WARNING, PGOOD + "SignalExpired", "Signal {0} is not known any more, the safe cap holds: {1}."
    ),
    EventKind.ENERGY_SIGNAL_FRESH: CatalogEntry(_OK, PGOOD + "SignalFresh", "Signal {0} is known again."),
    EventKind.ENERGY_RESERVE: CatalogEntry(
        _CRITICAL, PGOOD + "BatteryReserve", "The battery is at its reserve ({1}); a shutdown was asked for: {2}."
    ),
    EventKind.ENERGY_RESERVE_OVER: CatalogEntry(
        _OK, PGOOD + "BatteryReserveOver", "The battery is above its reserve again: {1}."
    ),
    EventKind.ENERGY_SURPLUS: CatalogEntry(_OK, PGOOD + "BatterySurplus", "There is more power than needed: {1}."),
    EventKind.ENERGY_SURPLUS_OVER: CatalogEntry(
        _OK, PGOOD + "BatterySurplusOver", "There is no more power than needed: {1}."
    ),
    EventKind.ENERGY_THROTTLED: CatalogEntry(_WARNING, PGOOD + "Throttled", "The firmware of {0} holds it back: {1}."),
    EventKind.ENERGY_NOT_THROTTLED: CatalogEntry(_OK, PGOOD + "NotThrottled", "The firmware lets {0} run again."),
}
