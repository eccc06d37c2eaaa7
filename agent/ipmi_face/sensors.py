# SPDX-License-Identifier: Apache-2.0
"""The board's sensors for the SDR repository, made from the profile, and their readings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from agent.events.catalog_entry import (
    CRITICAL_INTERRUPT,
    POWER_SUPPLY,
    POWER_UNIT,
    REDUNDANCY_READING,
    SENSOR_SPECIFIC,
    SEVERITY,
    SYSTEM_BOOT,
    TEMPERATURE,
    WATCHDOG,
)
from agent.ipmi_face import numbers
from agent.limits.limit import Side
from agent.limits.watch import Switches
from agent.power.request import HostState
from agent.psu.slot import Health, Presence
from ipmi.board import (
    AnalogSensor,
    DiscreteSensor,
    EventEnables,
    EventOnlySensor,
    EventStatus,
    Hysteresis,
    SensorKind,
    Thresholds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent.hardware.pmbus.readings import SupplyReadings
    from agent.limits.watch import LimitWatch
    from agent.power.host import Host
    from agent.profile.schema import SensorTable, SupplyTable
    from agent.profile.thermal_tables import FanTable
    from agent.psu.monitor import SupplyMonitor
    from agent.psu.redundancy import ColdRedundancy
    from agent.thermal.fans import Fans
    from agent.thermal.monitor import SensorMonitor
    from ipmi.board import Sensor

ENTITY_POWER_SUPPLY = 10
ENTITY_POWER_UNIT = 19
ENTITY_FAN = 29
MAINS_MAXIMUM_V = 300.0
OUTPUT_MAXIMUM_V = 15.0
TEMPERATURE_MAXIMUM_C = 127.0
FAN_MAXIMUM_RPM = 25_500.0
HEADROOM = 1.3
"""A supply may be overloaded for a while; its power sensors span so much more than the rating."""


@dataclass(frozen=True, slots=True)
class SupplyQuantity:
    """One analog sensor of every supply: name suffix, kind, span for a rating in watts, and where it reads."""

    suffix: str
    kind: SensorKind
    maximum: Callable[[float], float]
    read: Callable[[SupplyReadings], float | None]


SUPPLY_QUANTITIES: tuple[SupplyQuantity, ...] = (
    SupplyQuantity("Input V", SensorKind.VOLTAGE, lambda _: MAINS_MAXIMUM_V, lambda r: r.vin_v),
    SupplyQuantity("Output V", SensorKind.VOLTAGE, lambda _: OUTPUT_MAXIMUM_V, lambda r: r.vout_v),
    SupplyQuantity("Input W", SensorKind.POWER, lambda rated_w: rated_w * HEADROOM, lambda r: r.pin_w),
    SupplyQuantity("Output W", SensorKind.POWER, lambda rated_w: rated_w * HEADROOM, lambda r: r.pout_w),
    SupplyQuantity("Temp", SensorKind.TEMPERATURE, lambda _: TEMPERATURE_MAXIMUM_C, lambda r: r.temperature_c),
    SupplyQuantity("Fan", SensorKind.FAN, lambda _: FAN_MAXIMUM_RPM, lambda r: r.fan_rpm),
)

EVENT_BITS = {Side.LOWER_WARNING: 0, Side.LOWER_CRITICAL: 2, Side.UPPER_WARNING: 7, Side.UPPER_CRITICAL: 9}
"""Bits of threshold events (IPMI 2.0 table 42-2): going low for lower limits, going high for upper ones."""
LIMIT_NAMES = {
    Side.LOWER_WARNING: "lower_non_critical",
    Side.LOWER_CRITICAL: "lower_critical",
    Side.UPPER_WARNING: "upper_non_critical",
    Side.UPPER_CRITICAL: "upper_critical",
}
ENTITY_SYSTEM_BOARD = 7

PRESENT, FAILURE, PREDICTIVE, INPUT_LOST, OUT_OF_RANGE, INACTIVE = (1 << offset for offset in (0, 1, 2, 3, 5, 7))
POWER_OFF, CONTROL_FAILURE = 1 << 0, 1 << 5


class BoardSensors:
    """Implements ipmi.board.Sensors."""

    def __init__(
        self,
        host: Host,
        sensors: SensorMonitor,
        supplies: SupplyMonitor,
        redundancy: ColdRedundancy,
        limits: LimitWatch,
        zones: Iterable[str],
        fans: Fans,
        changed_at: int,
    ) -> None:
        """`changed_at`: seconds (UTC) since which the list of sensors is as it is."""
        self._host = host
        self._supplies = supplies
        self._redundancy = redundancy
        self._limits = limits
        self._changed_at = changed_at
        self._sensors: list[Sensor] = [_power_unit_status(), *EVENT_SOURCES]
        self._names: dict[int, str] = {}
        """Names of the sensors that have limits."""
        self._fixed: dict[int, Thresholds] = {}
        """Limits that come from the profile and are nobody's to set."""
        self._readers: dict[int, Callable[[], float | None]] = {}
        self._states: dict[int, Callable[[], int | None]] = {numbers.POWER_UNIT_STATUS: self._unit_states}
        for index, table in enumerate(sensors.tables):
            number = numbers.FIRST_TEMPERATURE + index
            self._sensors.append(_measured(number, table))
            self._readers[number] = partial(_value, sensors, table.name)
            self._names[number] = table.name
        self._sensors += [_zone(index, name) for index, name in enumerate(zones)]
        for index, fan in enumerate(fans.tables):
            if fan.tach is not None:
                self._sensors.append(_fan(index, fan))
                self._readers[numbers.FIRST_FAN + index] = partial(_rpm, fans, fan.name)
                self._fixed[numbers.FIRST_FAN + index] = Thresholds(lower_critical=float(fan.min_rpm))
        if supplies.tables:
            self._sensors.append(_power_unit_redundancy())
            self._states[numbers.POWER_UNIT_REDUNDANCY] = self._redundancy_states
        for index, supply in enumerate(supplies.tables):
            self._add_supply(index, supply)

    def sensors(self) -> Sequence[Sensor]:
        return self._sensors

    def reading(self, number: int) -> float | None:
        return self._readers[number]() if number in self._readers else None

    def states(self, number: int) -> int | None:
        return self._states[number]() if number in self._states else None

    def repository_changed_at(self) -> int:
        return self._changed_at

    # ------------------------------------------------------------------ limits

    def thresholds(self, number: int) -> Thresholds:
        if number not in self._names:
            return self._fixed.get(number, Thresholds())
        limits = self._limits.limits(self._names[number])
        return Thresholds(**{LIMIT_NAMES[side]: value for side, value in limits.items()})

    def hysteresis(self, number: int) -> Hysteresis:
        return Hysteresis(*self._limits.hysteresis(self._names[number])) if number in self._names else Hysteresis(0, 0)

    def event_enables(self, number: int) -> EventEnables | None:
        switches = self._limits.switches(self._names[number]) if number in self._names else None
        if switches is None:
            return None
        return EventEnables(switches.events, switches.scanning, _mask(switches.crossed), _mask(switches.cleared))

    def event_status(self, number: int) -> EventStatus | None:
        if number not in self._names:
            return EventStatus(0, 0)
        crossings = self._limits.crossings(self._names[number])
        return EventStatus(
            _mask(side for side, crossing in crossings.items() if crossing.asserted),
            _mask(side for side, crossing in crossings.items() if crossing.cleared),
        )

    async def set_thresholds(self, number: int, thresholds: Thresholds) -> None:
        limits = {side: value for side, name in LIMIT_NAMES.items() if (value := getattr(thresholds, name)) is not None}
        await self._limits.set_limits(self._names[number], limits)

    async def set_hysteresis(self, number: int, hysteresis: Hysteresis) -> None:
        await self._limits.set_hysteresis(self._names[number], hysteresis.rising, hysteresis.falling)

    async def set_event_enables(self, number: int, enables: EventEnables) -> None:
        switches = Switches(enables.events, enables.scanning, _sides(enables.assertions), _sides(enables.deassertions))
        await self._limits.set_switches(self._names[number], switches)

    def rearm(self, number: int) -> None:
        if number in self._names:
            self._limits.rearm(self._names[number])

    def _add_supply(self, index: int, table: SupplyTable) -> None:
        status = numbers.FIRST_SUPPLY_STATUS + index
        self._sensors.append(_supply_status(status, index, table))
        self._states[status] = partial(self._supply_states, index)
        for step, quantity in enumerate(SUPPLY_QUANTITIES):
            number = numbers.FIRST_SUPPLY_ANALOG + index * numbers.SUPPLY_ANALOG_STEP + step
            self._sensors.append(
                AnalogSensor(
                    number=number,
                    name=f"PSU{table.name} {quantity.suffix}"[:16],
                    kind=quantity.kind,
                    minimum=0.0,
                    maximum=quantity.maximum(table.rated_w),
                    entity_id=ENTITY_POWER_SUPPLY,
                    entity_instance=index + 1,
                )
            )
            self._readers[number] = partial(self._supply_reading, index, quantity.read)

    def _supply_reading(self, index: int, read: Callable[[SupplyReadings], float | None]) -> float | None:
        readings = self._supplies.slots[index].readings
        return None if readings is None else read(readings)

    def _supply_states(self, index: int) -> int | None:
        slot = self._supplies.slots[index]
        if slot.presence is Presence.ABSENT:
            return 0
        if slot.presence is not Presence.PRESENT:
            return None
        states = PRESENT
        states |= FAILURE if slot.health is Health.FAILED or slot.flapping else 0
        states |= PREDICTIVE if slot.warnings else 0
        states |= INPUT_LOST if slot.health is Health.INPUT_LOST else 0
        states |= OUT_OF_RANGE if slot.health is Health.INPUT_OUT_OF_RANGE else 0
        ranks = self._redundancy.view().ranks
        asleep = ranks[index] > 1 and slot.readings is not None and not slot.readings.pout_w
        return states | (INACTIVE if asleep and self._host.view().powered else 0)

    def _unit_states(self) -> int | None:
        view = self._host.view()
        if view.state is HostState.UNKNOWN:
            return None
        return (0 if view.powered else POWER_OFF) | (CONTROL_FAILURE if view.state is HostState.FAULT else 0)

    def _redundancy_states(self) -> int | None:
        state = self._redundancy.view().state
        return None if state is None else 1 << state.value


EVENT_SOURCES: tuple[EventOnlySensor, ...] = (
    EventOnlySensor(numbers.SYSTEM_RESTART, "System Restart", SYSTEM_BOOT, SENSOR_SPECIFIC, ENTITY_SYSTEM_BOARD, 1),
    EventOnlySensor(
        numbers.CRITICAL_INTERRUPT, "Crit Interrupt", CRITICAL_INTERRUPT, SENSOR_SPECIFIC, ENTITY_SYSTEM_BOARD, 1
    ),
    EventOnlySensor(numbers.WATCHDOG, "Watchdog", WATCHDOG, SENSOR_SPECIFIC, ENTITY_SYSTEM_BOARD, 1),
)


def _mask(sides: Iterable[Side]) -> int:
    return sum(1 << EVENT_BITS[side] for side in sides)


def _sides(mask: int) -> frozenset[Side]:
    return frozenset(side for side, bit in EVENT_BITS.items() if mask >> bit & 1)


def _value(sensors: SensorMonitor, name: str) -> float | None:
    return sensors.reading(name).value


def _rpm(fans: Fans, name: str) -> float | None:
    return fans.view(name).rpm


def _zone(index: int, name: str) -> EventOnlySensor:
    return EventOnlySensor(
        numbers.FIRST_ZONE + index, f"Zone {name}"[:16], TEMPERATURE, SEVERITY, ENTITY_SYSTEM_BOARD, index + 1
    )


def _fan(index: int, table: FanTable) -> AnalogSensor:
    """Its limit is the profile's `min_rpm`, watched by whoever drives it."""
    return AnalogSensor(
        number=numbers.FIRST_FAN + index,
        name=f"Fan {table.name}"[:16],
        kind=SensorKind.FAN,
        minimum=0.0,
        maximum=float(table.maximum_rpm),
        entity_id=ENTITY_FAN,
        entity_instance=index + 1,
        thresholds=Thresholds(lower_critical=float(table.min_rpm)),
    )


def _power_unit_status() -> DiscreteSensor:
    return DiscreteSensor(
        numbers.POWER_UNIT_STATUS, "Pwr Unit Status", POWER_UNIT, SENSOR_SPECIFIC, 0x7F, ENTITY_POWER_UNIT, 1
    )


def _power_unit_redundancy() -> DiscreteSensor:
    return DiscreteSensor(
        numbers.POWER_UNIT_REDUNDANCY, "Pwr Unit Redund", POWER_UNIT, REDUNDANCY_READING, 0xFF, ENTITY_POWER_UNIT, 1
    )


def _supply_status(number: int, index: int, table: SupplyTable) -> DiscreteSensor:
    offsets = PRESENT | FAILURE | PREDICTIVE | INPUT_LOST | OUT_OF_RANGE | INACTIVE
    return DiscreteSensor(
        number, f"PSU{table.name} Status"[:16], POWER_SUPPLY, SENSOR_SPECIFIC, offsets, ENTITY_POWER_SUPPLY, index + 1
    )


def _measured(number: int, table: SensorTable) -> AnalogSensor:
    return AnalogSensor(
        number=number,
        name=table.label,
        kind=numbers.sensor_kind(table),
        minimum=table.minimum,
        maximum=table.maximum,
        entity_id=table.entity,
        entity_instance=1,
        thresholds=Thresholds(
            lower_critical=table.lower_critical,
            lower_non_critical=table.lower_warning,
            upper_non_critical=table.upper_warning,
            upper_critical=table.upper_critical,
        ),
        hysteresis=table.hysteresis,
        settable=True,
    )
