# SPDX-License-Identifier: Apache-2.0
"""Sensor data records: full, compact, event-only, FRU locator and MC locator (IPMI 2.0 sections 43.1 to 43.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipmi.message import BMC_ADDRESS

if TYPE_CHECKING:
    from ipmi.board import AnalogSensor, DiscreteSensor, EventOnlySensor, FruDevice, Identity, Thresholds
    from ipmi.records.linear import Linear

_VERSION = 0x51
_FULL, _COMPACT, _EVENT_ONLY, _FRU_LOCATOR, _MC_LOCATOR = 0x01, 0x02, 0x03, 0x11, 0x12
_THRESHOLD_READING = 0x01
_INITIALISED = 0x63
"""Initialisation byte: scanning on, events on, as the sensor comes up."""
_AUTO_REARM = 0x40
_READABLE_THRESHOLDS, _SETTABLE_THRESHOLDS = 0x04, 0x08
_READABLE_HYSTERESIS, _SETTABLE_HYSTERESIS = 0x10, 0x20
_LOGICAL_FRU = 0x80
_FRU_BEHIND_CONTROLLER = 0x10
_NO_EVENT_CONTROL = 0x03
_NO_NUMBER = 0xC0
_ENTITY_MANAGEMENT = 0x06
_TEXT = 0xC0
_MAXIMUM_NAME = 16
_COMPARISON_BIT = 12
"""Above the events: which comparisons Get Sensor Reading returns, lower limits in one mask, upper ones in the other."""

THRESHOLD_ORDER: Final = (
    "lower_non_critical",
    "lower_critical",
    "lower_non_recoverable",
    "upper_non_critical",
    "upper_critical",
    "upper_non_recoverable",
)
"""Bit order of threshold masks and of Get Sensor Thresholds."""
_RECORD_ORDER = tuple(reversed(THRESHOLD_ORDER))
RISING_ORDER: Final = (*reversed(THRESHOLD_ORDER[:3]), *THRESHOLD_ORDER[3:])
"""From the lowest limit to the highest."""


def threshold_values(thresholds: Thresholds) -> tuple[float | None, ...]:
    """The six limits in bit order."""
    return tuple(getattr(thresholds, name) for name in THRESHOLD_ORDER)


def readable_mask(thresholds: Thresholds) -> int:
    """One bit per limit that the sensor has."""
    return sum(1 << bit for bit, value in enumerate(threshold_values(thresholds)) if value is not None)


def event_mask(limits: int) -> int:
    """Threshold events for a mask of limits: going low for the lower three, going high for the upper three."""
    return sum(1 << (2 * bit + (bit >= 3)) for bit in range(6) if limits >> bit & 1)


def encode_mc_locator(record_id: int, identity: Identity, capabilities: int) -> bytes:
    """The record of the controller itself; `capabilities` as in Get Device ID."""
    body = bytes((BMC_ADDRESS, 0, 0, capabilities, 0, 0, 0, _ENTITY_MANAGEMENT, 1, 0)) + _name(identity.name)
    return _record(record_id, _MC_LOCATOR, body)


def encode_full(record_id: int, sensor: AnalogSensor, linear: Linear) -> bytes:
    """The record of a sensor with a number: 48 bytes, the last of them type and length of the name, then the name."""
    limits = {name: getattr(sensor.thresholds, name) for name in THRESHOLD_ORDER}
    readable = readable_mask(sensor.thresholds)
    events = event_mask(readable)
    access, event_control = _access(sensor, readable)
    settable = readable if sensor.settable else 0
    hysteresis = linear.encode_span(sensor.hysteresis)
    body = (
        bytes((BMC_ADDRESS, 0, sensor.number, sensor.entity_id, sensor.entity_instance, _INITIALISED))
        + bytes((_AUTO_REARM | access | event_control, sensor.kind.type_code, _THRESHOLD_READING))
        + (events | (readable & 7) << _COMPARISON_BIT).to_bytes(2, "little")
        + (events | (readable >> 3) << _COMPARISON_BIT).to_bytes(2, "little")
        + bytes((readable, settable))
        + bytes((int(sensor.kind.percentage), sensor.kind.unit_code, 0, 0))
        + _factors(linear)
        + bytes((0, 0, 0, 0, 0xFF, 0))
        + bytes(0 if (limit := limits[name]) is None else linear.encode(limit) for name in _RECORD_ORDER)
        + bytes((hysteresis, hysteresis, 0, 0, 0))
    )
    return _record(record_id, _FULL, body + _name(sensor.name))


def encode_compact(record_id: int, sensor: DiscreteSensor) -> bytes:
    """The record of a sensor with states."""
    offsets = sensor.offsets.to_bytes(2, "little")
    body = (
        bytes((BMC_ADDRESS, 0, sensor.number, sensor.entity_id, sensor.entity_instance, _INITIALISED))
        + bytes((_AUTO_REARM | _NO_EVENT_CONTROL, sensor.sensor_type, sensor.reading_type))
        + offsets * 3
        + bytes((_NO_NUMBER, 0, 0))
        + bytes((1, 0))
        + bytes(6)
    )
    return _record(record_id, _COMPACT, body + _name(sensor.name))


def encode_event_only(record_id: int, sensor: EventOnlySensor) -> bytes:
    """The record of a source of events without a reading."""
    body = (
        bytes((BMC_ADDRESS, 0, sensor.number, sensor.entity_id, sensor.entity_instance))
        + bytes((sensor.sensor_type, sensor.reading_type))
        + bytes((1, 0, 0, 0))
    )
    return _record(record_id, _EVENT_ONLY, body + _name(sensor.name))


def encode_fru_locator(record_id: int, device: FruDevice) -> bytes:
    """The record of an inventory that is read through this controller."""
    body = bytes((BMC_ADDRESS, device.fru_id, _LOGICAL_FRU, 0, 0, _FRU_BEHIND_CONTROLLER, 0))
    return _record(
        record_id, _FRU_LOCATOR, body + bytes((device.entity_id, device.entity_instance, 0)) + _name(device.name)
    )


def _access(sensor: AnalogSensor, readable: int) -> tuple[int, int]:
    """What clients may do with limits, hysteresis and events of a sensor."""
    if not readable:
        return 0, _NO_EVENT_CONTROL
    if sensor.settable:
        return _SETTABLE_THRESHOLDS | _SETTABLE_HYSTERESIS, 0
    return _READABLE_THRESHOLDS | _READABLE_HYSTERESIS, _NO_EVENT_CONTROL


def _factors(linear: Linear) -> bytes:
    """Linearization, M, tolerance, B, accuracy and the two exponents: seven bytes."""
    m, b = linear.m & 0x3FF, linear.b & 0x3FF
    exponents = (linear.result_exponent & 0xF) << 4 | linear.b_exponent & 0xF
    return bytes((m & 0xFF, m >> 8 << 6, b & 0xFF, b >> 8 << 6, 0, exponents))


def _name(name: str) -> bytes:
    text = name.encode("latin-1", "replace")[:_MAXIMUM_NAME]
    return bytes((_TEXT | len(text),)) + text


def _record(record_id: int, kind: int, body: bytes) -> bytes:
    return record_id.to_bytes(2, "little") + bytes((_VERSION, kind, len(body))) + body
