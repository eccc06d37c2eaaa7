# SPDX-License-Identifier: Apache-2.0
"""The sensor data repository, generated from the board's sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.board import AnalogSensor, EventOnlySensor, Sensor
from ipmi.device import SUPPORTED
from ipmi.records import sdr
from ipmi.records.linear import Linear, fit

if TYPE_CHECKING:
    from ipmi.board import Identity, Inventory, Sensors

_LAST_NUMBER = 0xFE
"""FFh is reserved."""


class Repository:
    """All records, by id, and the factors of every analog sensor. Constant while the server runs.

    A sensor that cannot be expressed (range, number, number taken) raises ValueError with its name.
    """

    def __init__(self, identity: Identity, sensors: Sensors, inventory: Inventory) -> None:
        self._sensors = sensors
        self._by_number: dict[int, Sensor] = {}
        self._linear: dict[int, Linear] = {}
        self._record_ids: dict[int, int] = {}
        self._records = [sdr.encode_mc_locator(1, identity, SUPPORTED)]
        for record_id, sensor in enumerate(sensors.sensors(), start=2):
            if not 0 <= sensor.number <= _LAST_NUMBER or sensor.number in self._by_number:
                raise ValueError(f"sensor {sensor.name}: number {sensor.number} is taken or not from 0 to 254")
            self._by_number[sensor.number] = sensor
            self._record_ids[sensor.number] = record_id
            self._records.append(self._encode(record_id, sensor))
        for record_id, device in enumerate(inventory.devices(), start=len(self._records) + 1):
            self._records.append(sdr.encode_fru_locator(record_id, device))

    def __len__(self) -> int:
        return len(self._records)

    def changed_at(self) -> int:
        """Seconds (UTC) of the last change, by which clients keep their caches."""
        return self._sensors.repository_changed_at()

    def record(self, record_id: int) -> tuple[bytes, int] | None:
        """A record and the id of the one after it (FFFFh = none). 0 is the first, FFFFh the last."""
        if record_id == 0:
            record_id = 1
        elif record_id == 0xFFFF:
            record_id = len(self._records)
        if record_id > len(self._records):
            return None
        following = record_id + 1 if record_id < len(self._records) else 0xFFFF
        return self._records[record_id - 1], following

    def sensor(self, number: int) -> Sensor | None:
        return self._by_number.get(number)

    def record_of(self, number: int) -> int:
        """Id of the record of a sensor."""
        return self._record_ids[number]

    def linear(self, number: int) -> Linear:
        """Factors of an analog sensor."""
        return self._linear[number]

    def _encode(self, record_id: int, sensor: Sensor) -> bytes:
        if isinstance(sensor, EventOnlySensor):
            return sdr.encode_event_only(record_id, sensor)
        if not isinstance(sensor, AnalogSensor):
            return sdr.encode_compact(record_id, sensor)
        try:
            linear = self._linear[sensor.number] = fit(sensor.minimum, sensor.maximum)
        except ValueError as error:
            raise ValueError(f"sensor {sensor.name}: {error}") from error
        return sdr.encode_full(record_id, sensor, linear)
