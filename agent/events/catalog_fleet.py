# SPDX-License-Identifier: Apache-2.0
"""The catalogue's part of the fleet: machines that do not follow their target. No system-event-log records."""

from __future__ import annotations

from agent.events.catalog_entry import PGOOD, CatalogEntry
from agent.events.event import EventKind, Severity

FLEET: dict[EventKind, CatalogEntry] = {
    EventKind.FLEET_NOT_ASLEEP: CatalogEntry(
        Severity.WARNING, PGOOD + "NodeNotAsleep", "Node {0} was to go to sleep and did not: {1}."
    ),
    EventKind.FLEET_NOT_AWAKE: CatalogEntry(
        Severity.WARNING, PGOOD + "NodeNotAwake", "Node {0} was to come up and did not: {1}."
    ),
    EventKind.FLEET_WAKE_FAILED: CatalogEntry(
        Severity.WARNING, PGOOD + "WakeFailed", "Node {0} cannot wake others: {1}."
    ),
    EventKind.FLEET_NAME_TAKEN: CatalogEntry(Severity.CRITICAL, PGOOD + "NodeNameTaken", "The fleet has two {0}: {1}."),
}
