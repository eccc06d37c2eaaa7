# SPDX-License-Identifier: Apache-2.0
"""Sensor commands: readings, thresholds, hysteresis, event enables and status (IPMI 2.0 section 35)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.board import AnalogSensor, Privilege
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn
from ipmi.records import sdr

if TYPE_CHECKING:
    from ipmi.board import Sensor, Sensors
    from ipmi.dispatch import Answer
    from ipmi.records.repository import Repository
    from ipmi.request import Request

_ENABLED = 0xC0
"""Event messages and scanning are on."""
_UNAVAILABLE = 0x20
_THRESHOLD_READING = 0x01
_COMPARISON_FIXED = 0xC0
_STATES_FIXED = 0x80
_NO_HYSTERESIS = b"\0\0"


class SensorCommands:
    """Readings of the board's sensors, all on LUN 0."""

    def __init__(self, sensors: Sensors, repository: Repository) -> None:
        self._sensors = sensors
        self._repository = repository

    def commands(self) -> tuple[Command, ...]:
        user, sensor = Privilege.USER, NetFn.SENSOR
        return (
            Command(sensor, 0x25, "Get Sensor Hysteresis", user, self.hysteresis, 1, 2),
            Command(sensor, 0x27, "Get Sensor Thresholds", user, self.thresholds, 1, 1),
            Command(sensor, 0x29, "Get Sensor Event Enable", user, self.event_enable, 1, 1),
            Command(sensor, 0x2B, "Get Sensor Event Status", user, self.event_status, 1, 1),
            Command(sensor, 0x2D, "Get Sensor Reading", user, self.reading, 1, 1),
            Command(sensor, 0x2F, "Get Sensor Type", user, self.type, 1, 1),
        )

    def reading(self, request: Request) -> Answer:
        sensor = self._repository.sensor(request.data[0])
        if sensor is None:
            return Completion.NOT_PRESENT
        if not isinstance(sensor, AnalogSensor):
            states = self._sensors.states(sensor.number)
            if states is None:
                return bytes((0, _ENABLED | _UNAVAILABLE, 0, _STATES_FIXED))
            return bytes((0, _ENABLED, states & 0xFF, states >> 8 & 0x7F | _STATES_FIXED))
        value = self._sensors.reading(sensor.number)
        if value is None:
            return bytes((0, _ENABLED | _UNAVAILABLE, _COMPARISON_FIXED))
        raw = self._repository.linear(sensor.number).encode(value)
        return bytes((raw, _ENABLED, _COMPARISON_FIXED | self._crossed(sensor, raw)))

    def thresholds(self, request: Request) -> Answer:
        sensor = self._repository.sensor(request.data[0])
        if not isinstance(sensor, AnalogSensor):
            return Completion.NOT_PRESENT
        linear = self._repository.linear(sensor.number)
        limits = sdr.threshold_values(sensor.thresholds)
        return bytes((sdr.readable_mask(sensor.thresholds),)) + bytes(
            0 if limit is None else linear.encode(limit) for limit in limits
        )

    def hysteresis(self, request: Request) -> Answer:
        return _NO_HYSTERESIS if self._known(request) else Completion.NOT_PRESENT

    def event_enable(self, request: Request) -> Answer:
        sensor = self._known(request)
        if sensor is None:
            return Completion.NOT_PRESENT
        if isinstance(sensor, AnalogSensor):
            mask = sdr.event_mask(sdr.readable_mask(sensor.thresholds))
        else:
            mask = sensor.offsets & 0x7FFF
        return bytes((_ENABLED,)) + mask.to_bytes(2, "little") * 2

    def event_status(self, request: Request) -> Answer:
        sensor = self._known(request)
        if sensor is None:
            return Completion.NOT_PRESENT
        asserted = self._asserted(sensor)
        if asserted is None:
            return bytes((_ENABLED | _UNAVAILABLE,)) + bytes(4)
        return bytes((_ENABLED,)) + asserted.to_bytes(2, "little") + bytes(2)

    def type(self, request: Request) -> Answer:
        sensor = self._known(request)
        if sensor is None:
            return Completion.NOT_PRESENT
        if isinstance(sensor, AnalogSensor):
            return bytes((sensor.kind.type_code, _THRESHOLD_READING))
        return bytes((sensor.sensor_type, sensor.reading_type))

    def _known(self, request: Request) -> Sensor | None:
        return self._repository.sensor(request.data[0])

    def _asserted(self, sensor: Sensor) -> int | None:
        if not isinstance(sensor, AnalogSensor):
            states = self._sensors.states(sensor.number)
            return None if states is None else states & 0x7FFF
        value = self._sensors.reading(sensor.number)
        if value is None:
            return None
        return sdr.event_mask(self._crossed(sensor, self._repository.linear(sensor.number).encode(value)))

    def _crossed(self, sensor: AnalogSensor, raw: int) -> int:
        """One bit per limit that the reading is at or beyond; compared as raw bytes, the way the client sees both."""
        linear = self._repository.linear(sensor.number)
        crossed = 0
        for bit, limit in enumerate(sdr.threshold_values(sensor.thresholds)):
            if limit is not None:
                beyond = raw <= linear.encode(limit) if bit < 3 else raw >= linear.encode(limit)
                crossed |= beyond << bit
        return crossed
