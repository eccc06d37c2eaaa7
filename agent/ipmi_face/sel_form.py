# SPDX-License-Identifier: Apache-2.0
"""From an event to its SEL record (IPMI 2.0 table 32-1), by the catalogue's SEL form."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from agent.events.catalog import (
    CATALOG,
    CRITICAL_INTERRUPT,
    POWER_SUPPLY,
    POWER_UNIT,
    REDUNDANCY_READING,
    SENSOR_SPECIFIC,
    SYSTEM_BOOT,
)
from agent.ipmi_face import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.events.event import Event

SYSTEM_EVENT = 0x02
BMC_GENERATOR = 0x0020
EVENT_MESSAGE_REVISION = 0x04
UNSPECIFIED = 0xFF
RECORD = struct.Struct("<HBIHBBBBBBB")

NUMBERS: dict[tuple[int, int], int] = {
    (POWER_UNIT, SENSOR_SPECIFIC): numbers.POWER_UNIT_STATUS,
    (POWER_UNIT, REDUNDANCY_READING): numbers.POWER_UNIT_REDUNDANCY,
    (SYSTEM_BOOT, SENSOR_SPECIFIC): numbers.SYSTEM_RESTART,
    (CRITICAL_INTERRUPT, SENSOR_SPECIFIC): numbers.CRITICAL_INTERRUPT,
}


class SelForms:
    """Makes SEL records; `slots` gives the slot index of each supply by its source, such as `psu/1`."""

    def __init__(self, slots: Mapping[str, int], clock: Callable[[], int]) -> None:
        """`clock` is the SEL clock, seconds since 1970."""
        self._slots = slots
        self._clock = clock

    def record(self, event: Event) -> bytes | None:
        """The 16 bytes, id 0; None when the event has no place in the SEL."""
        form = CATALOG[event.kind].sel
        if form is None:
            return None
        if form.sensor_type == POWER_SUPPLY:
            number = numbers.FIRST_SUPPLY_STATUS + self._slots[event.source]
        else:
            number = NUMBERS[(form.sensor_type, form.reading_type)]
        return RECORD.pack(
            0,
            SYSTEM_EVENT,
            self._clock(),
            BMC_GENERATOR,
            EVENT_MESSAGE_REVISION,
            form.sensor_type,
            number,
            form.deassert << 7 | form.reading_type,
            form.offset,
            UNSPECIFIED,
            UNSPECIFIED,
        )
