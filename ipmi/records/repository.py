# SPDX-License-Identifier: Apache-2.0
"""The sensor data repository, generated from the board's sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.board import AnalogSensor, Sensor
from ipmi.commands.app import SUPPORT
from ipmi.records import sdr
from ipmi.records.linear import Linear, fit

if TYPE_CHECKING:
    from ipmi.board import Identity, Sensors


class Repository:
    """All records, by id, and the factors of every analog sensor. Constant while the server runs."""

    def __init__(self, identity: Identity, sensors: Sensors) -> None:
        self._sensors = sensors
        self._by_number: dict[int, Sensor] = {sensor.number: sensor for sensor in sensors.sensors()}
        self._linear: dict[int, Linear] = {}
        self._records = [sdr.encode_mc_locator(1, identity, SUPPORT)]
        for record_id, sensor in enumerate(sensors.sensors(), start=2):
            if isinstance(sensor, AnalogSensor):
                linear = self._linear[sensor.number] = fit(sensor.minimum, sensor.maximum)
                self._records.append(sdr.encode_full(record_id, sensor, linear))
            else:
                self._records.append(sdr.encode_compact(record_id, sensor))

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

    def linear(self, number: int) -> Linear:
        """Factors of an analog sensor."""
        return self._linear[number]
