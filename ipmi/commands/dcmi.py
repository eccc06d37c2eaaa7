# SPDX-License-Identifier: Apache-2.0
"""DCMI 1.5 commands, group extension DCh: capabilities, power reading, asset tag, controller id, temperatures."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from ipmi import timestamp
from ipmi.board import AnalogSensor, Privilege, SensorKind
from ipmi.channel import LAN_CHANNEL
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import BMC_ADDRESS, NetFn

if TYPE_CHECKING:
    from ipmi.board import Clock, Identity, ParameterStore, PowerMeter, Sensors
    from ipmi.dispatch import Answer
    from ipmi.records.repository import Repository
    from ipmi.request import Request

DCMI: Final = b"\xdc"
ROLLING_PERIODS_S: Final = (60, 600, 3600)
"""Averages offered in enhanced power statistics."""
_VERSION = bytes((1, 5, 2))
_NO_CHANNEL = 0xFF
_SAMPLING_EVERY_S = 1
_MEASURING = 0x40
_LONGEST_TAG, _LONGEST_ID = 63, 63
_CHUNK = 16
_MINUTES, _HOURS = 0x40, 0x80
_ENTITIES: dict[int, tuple[int, ...]] = {0x40: (0x40, 0x37), 0x41: (0x41, 0x03), 0x42: (0x42, 0x07)}
"""Air inlet, processor, baseboard: DCMI's numbers, and the older ones for the same places."""
_SENSORS_PER_ANSWER = 8
_ACTIVATE_DHCP = 1
_CONFIGURATION: dict[int, bytes] = {2: b"\0", 3: b"\0", 4: b"\0\0", 5: b"\0\0"}
"""Discovery off; first, second and third time-out of DHCP discovery, which does not happen."""


class PowerMode(enum.IntEnum):
    NOW = 0x01
    ROLLING = 0x02


class Text(enum.IntEnum):
    """Where texts are kept in the store."""

    ASSET_TAG = 1
    CONTROLLER_ID = 2


class DcmiCommands:
    """What the board measures and is called."""

    def __init__(
        self,
        identity: Identity,
        meter: PowerMeter | None,
        sensors: Sensors,
        repository: Repository,
        store: ParameterStore,
        clock: Clock,
    ) -> None:
        self._meter = meter
        self._sensors = sensors
        self._repository = repository
        self._store = store
        self._clock = clock
        self._name = identity.name.encode("ascii", "replace")[:_LONGEST_ID]

    def commands(self) -> tuple[Command, ...]:
        user, operator = Privilege.USER, Privilege.OPERATOR
        rows = (
            (0x01, "Get DCMI Capabilities", user, self.capabilities, 1, 1),
            (0x02, "Get Power Reading", user, self.power, 3, 3),
            (0x06, "Get Asset Tag", user, self.asset_tag, 2, 2),
            (0x07, "Get DCMI Sensor Info", user, self.sensor_info, 4, 4),
            (0x08, "Set Asset Tag", operator, self.set_asset_tag, 2, 2 + _CHUNK),
            (0x09, "Get Management Controller Identifier", user, self.controller_id, 2, 2),
            (0x0A, "Set Management Controller Identifier", Privilege.ADMINISTRATOR, self.set_controller_id, 3, 18),
            (0x10, "Get Temperature Readings", user, self.temperatures, 4, 4),
            (0x12, "Set DCMI Configuration Parameters", Privilege.ADMINISTRATOR, self.set_configuration, 3, 4),
            (0x13, "Get DCMI Configuration Parameters", user, self.configuration, 2, 2),
        )
        return tuple(
            Command(NetFn.GROUP, code, name, privilege, handler, minimum, maximum, DCMI)
            for code, name, privilege, handler, minimum, maximum in rows
        )

    def capabilities(self, request: Request) -> Answer:
        match request.data[0]:
            case 1:
                data = bytes((0, 0 if self._meter is None else 1, 0))
            case 2:
                data = (0x8000 | 1024).to_bytes(2, "little") + bytes((0, 0, _SAMPLING_EVERY_S))
            case 3:
                data = bytes((BMC_ADDRESS, 0))
            case 4:
                data = bytes((LAN_CHANNEL, _NO_CHANNEL, _NO_CHANNEL))
            case 5 if self._meter is not None:
                data = bytes((len(ROLLING_PERIODS_S),)) + bytes(_encode_period(period) for period in ROLLING_PERIODS_S)
            case _:
                return Completion.INVALID_DATA
        return _VERSION + data

    def power(self, request: Request) -> Answer:
        mode, attributes, _ = request.data
        if self._meter is None:
            return Completion.INVALID_COMMAND
        period_s = None if mode == PowerMode.NOW else _decode_period(attributes)
        if mode not in PowerMode.__members__.values() or (mode == PowerMode.ROLLING and period_s is None):
            return Completion.INVALID_DATA
        reading = self._meter.reading(period_s)
        if reading is None:
            return bytes(8) + timestamp.encode(self._clock.now()) + bytes(5)
        watts = (reading.now_w, reading.minimum_w, reading.maximum_w, reading.average_w)
        return (
            b"".join(min(max(round(value), 0), 0xFFFF).to_bytes(2, "little") for value in watts)
            + timestamp.encode(self._clock.now())
            + min(reading.period_ms, 0xFFFFFFFF).to_bytes(4, "little")
            + bytes((_MEASURING,))
        )

    def configuration(self, request: Request) -> Answer:
        """The operating system of the board runs its DHCP client: nothing of it is switched on here."""
        value = _CONFIGURATION.get(request.data[0])
        return Completion.INVALID_DATA if value is None else _VERSION + value

    def set_configuration(self, request: Request) -> Answer:
        known = request.data[0] == _ACTIVATE_DHCP or request.data[0] in _CONFIGURATION
        return Completion.NOT_IN_PRESENT_STATE if known else Completion.INVALID_DATA

    # ------------------------------------------------------------------ texts

    def asset_tag(self, request: Request) -> Answer:
        return _part(self._store.get(Text.ASSET_TAG) or b"", request.data)

    async def set_asset_tag(self, request: Request) -> Answer:
        offset, count, text = request.data[0], request.data[1], request.data[2:]
        if count != len(text):
            return Completion.LENGTH_INVALID
        if offset + count > _LONGEST_TAG:
            return Completion.PARAMETER_OUT_OF_RANGE
        tag = (self._store.get(Text.ASSET_TAG) or b"")[:offset].ljust(offset, b" ") + text
        await self._store.set(Text.ASSET_TAG, tag)
        return bytes((len(tag),))

    def controller_id(self, request: Request) -> Answer:
        return _part(self._id() + b"\0", request.data)

    async def set_controller_id(self, request: Request) -> Answer:
        """Written in parts from the front; a part with a NUL is the last."""
        offset, count, text = request.data[0], request.data[1], request.data[2:]
        if count != len(text):
            return Completion.LENGTH_INVALID
        if offset + count > _LONGEST_ID + 1:
            return Completion.PARAMETER_OUT_OF_RANGE
        name = (self._id()[:offset].ljust(offset, b" ") + text).partition(b"\0")[0]
        await self._store.set(Text.CONTROLLER_ID, name)
        return bytes((len(name) + 1,))

    def _id(self) -> bytes:
        stored = self._store.get(Text.CONTROLLER_ID)
        return self._name if stored is None else stored

    # ------------------------------------------------------------------ sensors

    def sensor_info(self, request: Request) -> Answer:
        found = self._temperatures_of(request)
        if found is None:
            return Completion.INVALID_DATA
        chosen, total = found
        ids = b"".join(self._repository.record_of(sensor.number).to_bytes(2, "little") for _, sensor in chosen)
        return bytes((total, len(chosen))) + ids

    def temperatures(self, request: Request) -> Answer:
        """Sensors without a reading are left out, never made up."""
        found = self._temperatures_of(request)
        if found is None:
            return Completion.INVALID_DATA
        chosen, total = found
        readings = [(self._sensors.reading(sensor.number), instance) for instance, sensor in chosen]
        pairs = [(_signed_celsius(value), instance) for value, instance in readings if value is not None]
        return bytes((total, len(pairs))) + b"".join(bytes(pair) for pair in pairs)

    def _temperatures_of(self, request: Request) -> tuple[list[tuple[int, AnalogSensor]], int] | None:
        """The sensors that a request names with their instance numbers, and how many the entity has."""
        kind, entity, instance, start = request.data
        numbers = next((numbers for numbers in _ENTITIES.values() if entity in numbers), None)
        if kind != SensorKind.TEMPERATURE.type_code or numbers is None:
            return None
        of_entity = [
            sensor
            for sensor in self._sensors.sensors()
            if isinstance(sensor, AnalogSensor)
            and sensor.kind is SensorKind.TEMPERATURE
            and sensor.entity_id in numbers
        ]
        numbered = list(enumerate(of_entity, start=1))
        if instance:
            chosen = [pair for pair in numbered if pair[0] == instance]
        else:
            chosen = [pair for pair in numbered if pair[0] >= max(start, 1)]
        return chosen[:_SENSORS_PER_ANSWER], len(of_entity)


def _part(text: bytes, request: bytes) -> Answer:
    """Length of a text, and the part that offset and count ask for."""
    offset, count = request
    if count > _CHUNK or offset > len(text):
        return Completion.PARAMETER_OUT_OF_RANGE
    return bytes((len(text),)) + text[offset : offset + count]


def _encode_period(period_s: int) -> int:
    if period_s % 3600 == 0:
        return _HOURS | period_s // 3600
    return _MINUTES | period_s // 60


def _decode_period(attributes: int) -> int | None:
    """The rolling period that a request names, if it is one of those offered."""
    return next((period for period in ROLLING_PERIODS_S if _encode_period(period) == attributes), None)


def _signed_celsius(value: float) -> int:
    """Bit 7 is the sign, the rest the size."""
    size = min(abs(round(value)), 127)
    return size | (0x80 if value < 0 and size else 0)
