# SPDX-License-Identifier: Apache-2.0
"""From an event to its SEL record (IPMI 2.0 table 32-1), by the catalogue's SEL form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.events.catalog import CATALOG
from agent.events.catalog_entry import (
    CRITICAL_INTERRUPT,
    POWER_SUPPLY,
    POWER_UNIT,
    REDUNDANCY_READING,
    SENSOR_SPECIFIC,
    SEVERITY,
    SYSTEM_BOOT,
    THRESHOLD,
    WATCHDOG,
)
from agent.ipmi_face import numbers
from ipmi.records.sel import SystemEvent, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.events.event import Event
    from agent.ipmi_face.numbers import SelSensor

UNSPECIFIED = 0xFF

NUMBERS: dict[tuple[int, int], int] = {
    (POWER_UNIT, SENSOR_SPECIFIC): numbers.POWER_UNIT_STATUS,
    (POWER_UNIT, REDUNDANCY_READING): numbers.POWER_UNIT_REDUNDANCY,
    (SYSTEM_BOOT, SENSOR_SPECIFIC): numbers.SYSTEM_RESTART,
    (CRITICAL_INTERRUPT, SENSOR_SPECIFIC): numbers.CRITICAL_INTERRUPT,
    (WATCHDOG, SENSOR_SPECIFIC): numbers.WATCHDOG,
}


WITH_READING_AND_LIMIT = 0x50
"""In event data 1: data 2 is the reading, data 3 the limit, both raw."""
WATCHDOG_OFFSETS = {"none": 0, "reset": 1, "power_off": 2, "cycle": 3}


class SelForms:
    """Makes SEL records; `slots` gives the index of each supply and thermal zone by its source, such as `psu/1`,
    `sensors` the sensors with limits by theirs."""

    def __init__(self, slots: Mapping[str, int], sensors: Mapping[str, SelSensor], clock: Callable[[], int]) -> None:
        """`clock` is the SEL clock, seconds since 1970."""
        self._slots = slots
        self._sensors = sensors
        self._clock = clock

    def record(self, event: Event) -> bytes | None:
        """The 16 bytes, id 0; None when the event has no place in the SEL."""
        form = CATALOG[event.kind].sel
        if form is None:
            return None
        data = (form.offset, UNSPECIFIED, UNSPECIFIED)
        sensor_type = form.sensor_type
        if form.reading_type == THRESHOLD:
            sensor = self._sensors[event.source]
            number, sensor_type = sensor.number, sensor.kind.type_code
            reading, limit = (sensor.linear.encode(float(text)) for text in event.args[1:3])
            data = (WITH_READING_AND_LIMIT | form.offset, reading, limit)
        elif form.reading_type == SEVERITY:
            number = numbers.FIRST_ZONE + self._slots[event.source]
        elif form.sensor_type == WATCHDOG:
            number = numbers.WATCHDOG
            data = (WATCHDOG_OFFSETS[event.args[1]], UNSPECIFIED, UNSPECIFIED)
        elif form.sensor_type == POWER_SUPPLY:
            number = numbers.FIRST_SUPPLY_STATUS + self._slots[event.source]
        else:
            number = NUMBERS[(form.sensor_type, form.reading_type)]
        return encode(
            SystemEvent(
                sensor_type=sensor_type,
                sensor_number=number,
                reading_type=form.reading_type,
                data=data,
                asserted=not form.deassert,
                logged_at=self._clock(),
            )
        )
