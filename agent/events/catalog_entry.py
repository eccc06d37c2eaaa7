# SPDX-License-Identifier: Apache-2.0
"""The form of a catalogue entry: severity, message and system-event-log record of one kind of event.

Message ids follow the OpenBMC registry where it has a message (prefix `OpenBMC.0.1.`), else our own prefix.
SEL forms: IPMI 2.0 table 42-3 (sensor types) and 42-2 (generic reading types).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.events.event import Severity

OPENBMC = "OpenBMC.0.1."
PGOOD = "Pgood.1.0."

POWER_UNIT = 0x09
POWER_SUPPLY = 0x08
CRITICAL_INTERRUPT = 0x13
SYSTEM_BOOT = 0x1D
WATCHDOG = 0x23
TEMPERATURE = 0x01
FAN = 0x04

REDUNDANCY_READING = 0x0B
SENSOR_SPECIFIC = 0x6F
THRESHOLD = 0x01
SEVERITY = 0x07


@dataclass(frozen=True, slots=True)
class SelForm:
    """How an event looks as a SEL record: sensor type, reading type, state offset, and whether it deasserts."""

    sensor_type: int
    reading_type: int
    offset: int
    deassert: bool = False


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """`text` is formatted with the event's arguments; the first argument is always the name of the source."""

    severity: Severity
    message_id: str
    text: str
    sel: SelForm | None = None
