# SPDX-License-Identifier: Apache-2.0
"""From an event to its SEL record (IPMI 2.0 table 32-1), by the catalogue's SEL form."""

from __future__ import annotations

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
from ipmi.records.sel import SystemEvent, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.events.event import Event

UNSPECIFIED = 0xFF

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
        return encode(
            SystemEvent(
                sensor_type=form.sensor_type,
                sensor_number=number,
                reading_type=form.reading_type,
                data=(form.offset, UNSPECIFIED, UNSPECIFIED),
                asserted=not form.deassert,
                logged_at=self._clock(),
            )
        )
