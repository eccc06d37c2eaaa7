# SPDX-License-Identifier: Apache-2.0
"""The event log: the JSON of the source document to the byte, ids by the second, and what survives."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from agent.events.bus import EventBus
from agent.events.catalog import CATALOG
from agent.events.event import Event, EventKind
from agent.events.redfish_log import render
from agent.store.database import Database
from agent.store.event_log import CAPACITY, EventLog

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = """\
[
    {
        "@odata.context": "/redfish/v1/$metadata#LogEntry.LogEntry",
        "@odata.id": "/redfish/v1/Systems/system/LogServices/EventLog/Entries/205610",
        "@odata.type": "#LogEntry.v1_4_0.LogEntry",
        "Created": "1970-01-03T09:06:50+00:00",
        "EntryType": "Event",
        "Id": "205610",
        "Message": "Power Unit Redundancy lost.",
        "MessageArgs": [],
        "MessageId": "OpenBMC.0.1.PowerUnitRedundancyLost",
        "Name": "System Event Log Entry",
        "Severity": "Warning"
    },
    {
        "@odata.context": "/redfish/v1/$metadata#LogEntry.LogEntry",
        "@odata.id": "/redfish/v1/Systems/system/LogServices/EventLog/Entries/205610_1",
        "@odata.type": "#LogEntry.v1_4_0.LogEntry",
        "Created": "1970-01-03T09:06:50+00:00",
        "EntryType": "Event",
        "Id": "205610_1",
        "Message": "Power Unit Nonredundant but has sufficient resource.",
        "MessageArgs": [],
        "MessageId": "OpenBMC.0.1.PowerUnitNonRedundantSufficient",
        "Name": "System Event Log Entry",
        "Severity": "Warning"
    },
    {
        "@odata.context": "/redfish/v1/$metadata#LogEntry.LogEntry",
        "@odata.id": "/redfish/v1/Systems/system/LogServices/EventLog/Entries/205621",
        "@odata.type": "#LogEntry.v1_4_0.LogEntry",
        "Created": "1970-01-03T09:07:01+00:00",
        "EntryType": "Event",
        "Id": "205621",
        "Message": "Power Unit Redundancy regained.",
        "MessageArgs": [],
        "MessageId": "OpenBMC.0.1.PowerUnitRedundancyRegained",
        "Name": "System Event Log Entry",
        "Severity": "OK"
    }
]"""


class _Unwritten:
    async def write(self, events: object) -> None: ...


def event(kind: EventKind, unix_ms: int, *args: str) -> Event:
    entry = CATALOG[kind]
    message = entry.text.format(*args)
    return Event("1", "b", 1, unix_ms, 0, kind, "redundancy", entry.severity, entry.message_id, message, args)


def put(database: Database, *events: Event) -> None:
    database.transact_now(lambda c: EventLog.write(c, events))


def test_golden(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    put(
        database,
        event(EventKind.REDUNDANCY_LOST, 205_610_000),
        event(EventKind.REDUNDANCY_RANKED, 205_610_100, "redundancy", "0 1", "x"),  # not in the registry, and OK
    )
    put(database, event(EventKind.REDUNDANCY_SUFFICIENT, 205_610_999))
    put(database, event(EventKind.REDUNDANCY_REGAINED, 205_621_000))
    database.close()
    database = Database(tmp_path / "state.db")
    log = EventLog(database)
    assert json.dumps([render(entry) for entry in asyncio.run(log.latest(10))], indent=4) == GOLDEN
    found = asyncio.run(log.entry("205610_1"))
    assert found is not None
    assert found.message_id.endswith("NonRedundantSufficient")
    for nobody in ("205610_2", "205610_0", "0205610", "x", "", "1_", "9" * 40):
        assert asyncio.run(log.entry(nobody)) is None
    put(database, event(EventKind.REDUNDANCY_LOST, 205_610_000))  # the clock was set back
    assert asyncio.run(log.latest(1))[0].id == "205610_2"
    asyncio.run(log.clear())
    assert asyncio.run(log.latest(1)) == []
    database.close()


def test_the_log_is_bounded(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    put(database, *(event(EventKind.REDUNDANCY_LOST, second * 1000) for second in range(CAPACITY + 10)))
    entries = asyncio.run(EventLog(database).latest(2 * CAPACITY))
    assert (len(entries), entries[0].id) == (CAPACITY, "10")
    database.close()


def test_every_message_fills_in_its_arguments() -> None:
    async def emit_all() -> list[str]:
        bus = EventBus(_Unwritten(), 1, "b")
        return [bus.emit(kind, "psu/1", "1", "a", "b", "c", "d").message for kind in EventKind]

    assert all("{" not in message for message in asyncio.run(emit_all()))
