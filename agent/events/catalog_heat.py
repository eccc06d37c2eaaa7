# SPDX-License-Identifier: Apache-2.0
"""The catalogue's part of heat: sensors, thermal zones, fans."""

from __future__ import annotations

from agent.events.catalog_entry import (
    FAN,
    OPENBMC,
    PGOOD,
    SEVERITY,
    TEMPERATURE,
    THRESHOLD,
    CatalogEntry,
    SelForm,
)
from agent.events.event import EventKind, Severity

_OK, _WARNING, _CRITICAL = Severity.OK, Severity.WARNING, Severity.CRITICAL


def _limit(bit: int, deassert: bool = False) -> SelForm:
    """`bit` as in IPMI 2.0 table 42-2, generic thresholds. The sensor type is that of the sensor."""
    return SelForm(TEMPERATURE, THRESHOLD, bit, deassert)


def _beyond(severity: Severity, message: str, what: str, bit: int) -> CatalogEntry:
    return CatalogEntry(severity, OPENBMC + message, f"Sensor {{0}}: {{1}} is {what} of {{2}}.", _limit(bit))


def _within(message: str, what: str, bit: int) -> CatalogEntry:
    text = f"Sensor {{0}}: {{1}} is no longer {what} of {{2}}."
    return CatalogEntry(_OK, OPENBMC + message, text, _limit(bit, deassert=True))


def _zone(offset: int, deassert: bool = False) -> SelForm:
    """`offset` as in IPMI 2.0 table 42-2, generic severity: 1 = non-critical, 2 = critical, 3 = non-recoverable."""
    return SelForm(TEMPERATURE, SEVERITY, offset, deassert)


def _tripped(severity: Severity, message: str, then: str, sel: SelForm | None) -> CatalogEntry:
    text = f"Zone {{0}}: sensor {{1}} reads {{2}} C, the {message.lower()} trip is {{3}} C: {then}."
    return CatalogEntry(severity, f"{PGOOD}Zone{message}", text, sel)


def _cooled(message: str, sel: SelForm | None) -> CatalogEntry:
    text = f"Zone {{0}} has cooled to {{1}} C, below the {message.lower()} trip of {{2}} C."
    return CatalogEntry(_OK, f"{PGOOD}Zone{message}Cleared", text, sel)


HEAT: dict[EventKind, CatalogEntry] = {
    EventKind.SENSOR_LOWER_CRITICAL: _beyond(
        _CRITICAL, "SensorThresholdCriticalLowGoingLow", "at or below the critical limit", 2
    ),
    EventKind.SENSOR_LOWER_CRITICAL_CLEARED: _within(
        "SensorThresholdCriticalLowGoingHigh", "below the critical limit", 2
    ),
    EventKind.SENSOR_LOWER_WARNING: _beyond(
        _WARNING, "SensorThresholdWarningLowGoingLow", "at or below the warning limit", 0
    ),
    EventKind.SENSOR_LOWER_WARNING_CLEARED: _within("SensorThresholdWarningLowGoingHigh", "below the warning limit", 0),
    EventKind.SENSOR_UPPER_WARNING: _beyond(
        _WARNING, "SensorThresholdWarningHighGoingHigh", "at or above the warning limit", 7
    ),
    EventKind.SENSOR_UPPER_WARNING_CLEARED: _within("SensorThresholdWarningHighGoingLow", "above the warning limit", 7),
    EventKind.SENSOR_UPPER_CRITICAL: _beyond(
        _CRITICAL, "SensorThresholdCriticalHighGoingHigh", "at or above the critical limit", 9
    ),
    EventKind.SENSOR_UPPER_CRITICAL_CLEARED: _within(
        "SensorThresholdCriticalHighGoingLow", "above the critical limit", 9
    ),
    EventKind.SENSOR_LOST: CatalogEntry(_CRITICAL, PGOOD + "SensorLost", "Sensor {0} is unavailable: {1}."),
    EventKind.SENSOR_RECOVERED: CatalogEntry(_OK, PGOOD + "SensorRecovered", "Sensor {0} reads again."),
    EventKind.THERMAL_ACTIVE: _tripped(_OK, "Active", "fans up", None),
    EventKind.THERMAL_ACTIVE_CLEARED: _cooled("Active", None),
    EventKind.THERMAL_PASSIVE: _tripped(_WARNING, "Passive", "it should do less", _zone(1)),
    EventKind.THERMAL_PASSIVE_CLEARED: _cooled("Passive", _zone(1, deassert=True)),
    EventKind.THERMAL_HOT: _tripped(_CRITICAL, "Hot", "its hosts are asked to shut down", _zone(2)),
    EventKind.THERMAL_HOT_CLEARED: _cooled("Hot", _zone(2, deassert=True)),
    EventKind.THERMAL_CRITICAL: _tripped(_CRITICAL, "Critical", "its hosts are forced off", _zone(3)),
    EventKind.THERMAL_CRITICAL_CLEARED: _cooled("Critical", _zone(3, deassert=True)),
    EventKind.THERMAL_SENSOR_LOST: CatalogEntry(
        _WARNING,
        PGOOD + "ZoneSensorLost",
        "Zone {0}: sensor {1} is lost ({2}): fans go to fail-safe and its hosts are not switched on.",
    ),
    EventKind.THERMAL_SENSOR_RECOVERED: CatalogEntry(
        _OK, PGOOD + "ZoneSensorRecovered", "Zone {0}: sensor {1} reads again."
    ),
    EventKind.THERMAL_SOFT_OFF: CatalogEntry(
        _WARNING, PGOOD + "ZoneSoftOff", "Zone {0} asked {1} to shut down: {2} (operation {3})."
    ),
    EventKind.THERMAL_EMERGENCY_OFF: CatalogEntry(
        _CRITICAL, PGOOD + "ZoneEmergencyOff", "Zone {0} had {1} forced off: {2} (operation {3})."
    ),
    EventKind.FAN_STALLED: CatalogEntry(
        _CRITICAL,
        PGOOD + "FanStalled",
        "Fan {0} turns at {1} RPM, less than {2} RPM.",
        SelForm(FAN, THRESHOLD, 2),
    ),
    EventKind.FAN_TURNS: CatalogEntry(
        _OK,
        PGOOD + "FanTurns",
        "Fan {0} turns at {1} RPM again, {2} RPM are enough.",
        SelForm(FAN, THRESHOLD, 2, deassert=True),
    ),
    EventKind.FAN_FAILED: CatalogEntry(_CRITICAL, PGOOD + "FanFailed", "Fan {0} cannot be driven or read: {1}."),
    EventKind.FAN_WORKS: CatalogEntry(_OK, PGOOD + "FanWorks", "Fan {0} can be driven and read again."),
}
