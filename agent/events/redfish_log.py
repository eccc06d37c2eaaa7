# SPDX-License-Identifier: Apache-2.0
"""Log entries in the shape that Redfish services give them (LogEntry.v1_4_0), as clients of OpenBMC know it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.events.event import Severity

if TYPE_CHECKING:
    from agent.events.event import Event

ENTRIES = "/redfish/v1/Systems/system/LogServices/EventLog/Entries"
OPENBMC = "OpenBMC."


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry. Id: the second of the event, and for further ones of the same second `_1`, `_2` ..."""

    second: int
    place: int
    message_id: str
    message: str
    args: tuple[str, ...]
    severity: str

    @property
    def id(self) -> str:
        return f"{self.second}_{self.place}" if self.place else str(self.second)


def belongs(event: Event) -> bool:
    """Whether an event is for the log: what the registry knows, and whatever is not OK."""
    return event.message_id.startswith(OPENBMC) or event.severity is not Severity.OK


def entry_of(event: Event, place: int) -> LogEntry:
    """`place`: how many entries of the same second came before."""
    return LogEntry(event.unix_ms // 1000, place, event.message_id, event.message, event.args, event.severity.value)


def render(entry: LogEntry) -> dict[str, object]:
    """The JSON object, keys in the order of the original."""
    return {
        "@odata.context": "/redfish/v1/$metadata#LogEntry.LogEntry",
        "@odata.id": f"{ENTRIES}/{entry.id}",
        "@odata.type": "#LogEntry.v1_4_0.LogEntry",
        "Created": datetime.fromtimestamp(entry.second, UTC).isoformat(),
        "EntryType": "Event",
        "Id": entry.id,
        "Message": entry.message,
        "MessageArgs": list(entry.args),
        "MessageId": entry.message_id,
        "Name": "System Event Log Entry",
        "Severity": entry.severity,
    }
