# SPDX-License-Identifier: Apache-2.0
"""Sensor commands: readings, thresholds, hysteresis, event switches and status (IPMI 2.0 section 35)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.board import AnalogSensor, DiscreteSensor, EventEnables, Hysteresis, Privilege, Thresholds
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn
from ipmi.records import sdr

if TYPE_CHECKING:
    from ipmi.board import Sensor, Sensors
    from ipmi.dispatch import Answer
    from ipmi.records.repository import Repository
    from ipmi.request import Request

_EVENTS_ON, _SCANNING_ON = 0x80, 0x40
_UNAVAILABLE = 0x20
_THRESHOLD_READING = 0x01
_COMPARISON_FIXED = 0xC0
_STATES_FIXED = 0x80
_NO_HYSTERESIS = b"\0\0"
_ENABLE_SELECTED, _DISABLE_SELECTED = 0x10, 0x20
_ALL_EVENTS = 0x7FFF


class SensorCommands:
    """Readings of the board's sensors, all on LUN 0."""

    def __init__(self, sensors: Sensors, repository: Repository) -> None:
        self._sensors = sensors
        self._repository = repository

    def commands(self) -> tuple[Command, ...]:
        user, operator, sensor = Privilege.USER, Privilege.OPERATOR, NetFn.SENSOR
        return (
            Command(sensor, 0x24, "Set Sensor Hysteresis", operator, self.set_hysteresis, 4, 4),
            Command(sensor, 0x25, "Get Sensor Hysteresis", user, self.hysteresis, 1, 2),
            Command(sensor, 0x26, "Set Sensor Thresholds", operator, self.set_thresholds, 8, 8),
            Command(sensor, 0x27, "Get Sensor Thresholds", user, self.thresholds, 1, 1),
            Command(sensor, 0x28, "Set Sensor Event Enable", operator, self.set_event_enable, 2, 6),
            Command(sensor, 0x29, "Get Sensor Event Enable", user, self.event_enable, 1, 1),
            Command(sensor, 0x2A, "Re-arm Sensor Events", operator, self.rearm, 2, 6),
            Command(sensor, 0x2B, "Get Sensor Event Status", user, self.event_status, 1, 1),
            Command(sensor, 0x2D, "Get Sensor Reading", user, self.reading, 1, 1),
            Command(sensor, 0x2F, "Get Sensor Type", user, self.type, 1, 1),
        )

    def reading(self, request: Request) -> Answer:
        sensor = self._known(request)
        if isinstance(sensor, DiscreteSensor):
            states, on = self._sensors.states(sensor.number), self._switches(sensor)
            if states is None or not on & _SCANNING_ON:
                return bytes((0, on | _UNAVAILABLE, 0, _STATES_FIXED))
            return bytes((0, on, states & 0xFF, states >> 8 & 0x7F | _STATES_FIXED))
        if not isinstance(sensor, AnalogSensor):
            return Completion.NOT_PRESENT
        value, on = self._sensors.reading(sensor.number), self._switches(sensor)
        if value is None or not on & _SCANNING_ON:
            return bytes((0, on | _UNAVAILABLE, _COMPARISON_FIXED))
        raw = self._repository.linear(sensor.number).encode(value)
        return bytes((raw, on, _COMPARISON_FIXED | self._crossed(sensor, raw)))

    # ------------------------------------------------------------------ thresholds and hysteresis

    def thresholds(self, request: Request) -> Answer:
        sensor = self._known(request)
        if not isinstance(sensor, AnalogSensor):
            return Completion.NOT_PRESENT
        linear = self._repository.linear(sensor.number)
        limits = sdr.threshold_values(self._sensors.thresholds(sensor.number))
        return bytes((sdr.readable_mask(sensor.thresholds),)) + bytes(
            0 if limit is None else linear.encode(limit) for limit in limits
        )

    async def set_thresholds(self, request: Request) -> Answer:
        """Limits that the sensor has, in rising order after the change; judged whole."""
        sensor, mask, raws = self._known(request), request.data[1] & 0x3F, request.data[2:]
        if not isinstance(sensor, AnalogSensor):
            return Completion.NOT_PRESENT
        if not sensor.settable or mask & ~sdr.readable_mask(sensor.thresholds):
            return Completion.INVALID_DATA
        linear = self._repository.linear(sensor.number)
        now = dict(zip(sdr.THRESHOLD_ORDER, sdr.threshold_values(self._sensors.thresholds(sensor.number)), strict=True))
        for bit, name in enumerate(sdr.THRESHOLD_ORDER):
            if mask >> bit & 1:
                now[name] = linear.decode(raws[bit])
        rising = [now[name] for name in sdr.RISING_ORDER if now[name] is not None]
        if rising != sorted(rising, key=lambda limit: limit or 0.0):
            return Completion.INVALID_DATA
        await self._sensors.set_thresholds(sensor.number, Thresholds(**now))
        return b""

    def hysteresis(self, request: Request) -> Answer:
        sensor = self._known(request)
        if sensor is None:
            return Completion.NOT_PRESENT
        if not isinstance(sensor, AnalogSensor):
            return _NO_HYSTERESIS
        linear, hysteresis = self._repository.linear(sensor.number), self._sensors.hysteresis(sensor.number)
        return bytes((linear.encode_span(hysteresis.rising), linear.encode_span(hysteresis.falling)))

    async def set_hysteresis(self, request: Request) -> Answer:
        sensor = self._known(request)
        if not isinstance(sensor, AnalogSensor):
            return Completion.NOT_PRESENT
        if not sensor.settable:
            return Completion.INVALID_DATA
        linear = self._repository.linear(sensor.number)
        rising, falling = linear.decode_span(request.data[2]), linear.decode_span(request.data[3])
        await self._sensors.set_hysteresis(sensor.number, Hysteresis(rising, falling))
        return b""

    # ------------------------------------------------------------------ events

    def event_enable(self, request: Request) -> Answer:
        sensor = self._known(request)
        if sensor is None:
            return Completion.NOT_PRESENT
        enables = self._enables(sensor)
        return (
            bytes((self._switches(sensor),))
            + enables.assertions.to_bytes(2, "little")
            + enables.deassertions.to_bytes(2, "little")
        )

    async def set_event_enable(self, request: Request) -> Answer:
        sensor, how = self._known(request), request.data[1]
        if not isinstance(sensor, AnalogSensor):
            return Completion.NOT_PRESENT if sensor is None else Completion.INVALID_DATA
        if not sensor.settable or how & 0x30 == _ENABLE_SELECTED | _DISABLE_SELECTED:
            return Completion.INVALID_DATA
        now, masks = self._enables(sensor), request.data[2:].ljust(4, b"\0")
        assertions, deassertions = int.from_bytes(masks[:2], "little"), int.from_bytes(masks[2:4], "little")
        if how & _ENABLE_SELECTED:
            assertions, deassertions = now.assertions | assertions, now.deassertions | deassertions
        elif how & _DISABLE_SELECTED:
            assertions, deassertions = now.assertions & ~assertions, now.deassertions & ~deassertions
        else:
            assertions, deassertions = now.assertions, now.deassertions
        possible = self._possible(sensor)
        await self._sensors.set_event_enables(
            sensor.number,
            EventEnables(
                bool(how & _EVENTS_ON), bool(how & _SCANNING_ON), assertions & possible, deassertions & possible
            ),
        )
        return b""

    def rearm(self, request: Request) -> Answer:
        """All events of the sensor at once: what still holds is told again."""
        sensor = self._known(request)
        if sensor is None:
            return Completion.NOT_PRESENT
        self._sensors.rearm(sensor.number)
        return b""

    def event_status(self, request: Request) -> Answer:
        sensor = self._known(request)
        if sensor is None:
            return Completion.NOT_PRESENT
        on = self._switches(sensor)
        if isinstance(sensor, AnalogSensor):
            status = self._sensors.event_status(sensor.number)
            if status is None or self._sensors.reading(sensor.number) is None:
                return bytes((on | _UNAVAILABLE,)) + bytes(4)
            return bytes((on,)) + status.assertions.to_bytes(2, "little") + status.deassertions.to_bytes(2, "little")
        states = self._sensors.states(sensor.number) if isinstance(sensor, DiscreteSensor) else 0
        if states is None:
            return bytes((on | _UNAVAILABLE,)) + bytes(4)
        return bytes((on,)) + (states & _ALL_EVENTS).to_bytes(2, "little") + bytes(2)

    def type(self, request: Request) -> Answer:
        sensor = self._known(request)
        if sensor is None:
            return Completion.NOT_PRESENT
        if isinstance(sensor, AnalogSensor):
            return bytes((sensor.kind.type_code, _THRESHOLD_READING))
        return bytes((sensor.sensor_type, sensor.reading_type))

    # ------------------------------------------------------------------ parts

    def _known(self, request: Request) -> Sensor | None:
        return self._repository.sensor(request.data[0])

    def _possible(self, sensor: Sensor) -> int:
        if isinstance(sensor, AnalogSensor):
            return sdr.event_mask(sdr.readable_mask(sensor.thresholds))
        return sensor.offsets & _ALL_EVENTS if isinstance(sensor, DiscreteSensor) else _ALL_EVENTS

    def _enables(self, sensor: Sensor) -> EventEnables:
        possible = self._possible(sensor)
        default = EventEnables(assertions=possible, deassertions=possible)
        return (self._sensors.event_enables(sensor.number) or default) if isinstance(sensor, AnalogSensor) else default

    def _switches(self, sensor: Sensor) -> int:
        enables = self._enables(sensor)
        return (_EVENTS_ON if enables.events else 0) | (_SCANNING_ON if enables.scanning else 0)

    def _crossed(self, sensor: AnalogSensor, raw: int) -> int:
        """One bit per limit that the reading is at or beyond; compared as raw bytes, the way the client sees both."""
        linear = self._repository.linear(sensor.number)
        crossed = 0
        for bit, limit in enumerate(sdr.threshold_values(self._sensors.thresholds(sensor.number))):
            if limit is not None:
                beyond = raw <= linear.encode(limit) if bit < 3 else raw >= linear.encode(limit)
                crossed |= beyond << bit
        return crossed
