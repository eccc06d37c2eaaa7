# SPDX-License-Identifier: Apache-2.0
"""The sensors of a board: what the SDR repository says of them, their readings, limits and event switches."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class SensorKind(enum.Enum):
    """What a sensor measures: the sensor type code and unit code of its SDR follow from it."""

    TEMPERATURE = (0x01, 1)
    VOLTAGE = (0x02, 4)
    CURRENT = (0x03, 5)
    FAN = (0x04, 18)
    POWER = (0x0B, 6)
    HUMIDITY = (0x0B, 0)
    """Percent: there is no unit code for it, the percentage bit says so."""

    @property
    def type_code(self) -> int:
        return self.value[0]

    @property
    def unit_code(self) -> int:
        return self.value[1]

    @property
    def percentage(self) -> bool:
        """Whether the unit is percent (sensor units 1, bit 0)."""
        return self is SensorKind.HUMIDITY


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of an analog sensor in its own unit; None = the sensor has no such limit."""

    lower_non_recoverable: float | None = None
    lower_critical: float | None = None
    lower_non_critical: float | None = None
    upper_non_critical: float | None = None
    upper_critical: float | None = None
    upper_non_recoverable: float | None = None


@dataclass(frozen=True, slots=True)
class AnalogSensor:
    """A sensor with a number (full sensor record). `minimum`/`maximum` bound what its 8-bit raw value must span."""

    number: int
    name: str
    kind: SensorKind
    minimum: float
    maximum: float
    entity_id: int
    entity_instance: int
    thresholds: Thresholds = field(default_factory=Thresholds)
    hysteresis: float = 0.0
    """How far a reading must come back before an event is taken back, as the board comes."""
    settable: bool = False
    """Whether clients may set limits, hysteresis and event switches."""


@dataclass(frozen=True, slots=True)
class DiscreteSensor:
    """A sensor with named states (compact record), such as power-unit redundancy or supply status."""

    number: int
    name: str
    sensor_type: int
    reading_type: int
    offsets: int
    """Bit mask of the state offsets that this sensor can show."""
    entity_id: int
    entity_instance: int


@dataclass(frozen=True, slots=True)
class EventOnlySensor:
    """A source of events that has no reading (event-only record), such as a diagnostic interrupt."""

    number: int
    name: str
    sensor_type: int
    reading_type: int
    entity_id: int
    entity_instance: int


Sensor = AnalogSensor | DiscreteSensor | EventOnlySensor


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """How far a reading must fall below an upper limit, or rise above a lower one, before its event is taken back."""

    rising: float
    """For upper limits, in the sensor's unit."""
    falling: float
    """For lower limits."""


@dataclass(frozen=True, slots=True)
class EventEnables:
    """What a sensor does (Set Sensor Event Enable). Masks have one bit per event: table 29-4 for limits, or offsets."""

    events: bool = True
    scanning: bool = True
    assertions: int = 0
    deassertions: int = 0


@dataclass(frozen=True, slots=True)
class EventStatus:
    """Which events are asserted now, and which have been taken back since the sensor was rearmed."""

    assertions: int
    deassertions: int


class Sensors(Protocol):
    """The sensors of the board. The list is constant while the server runs."""

    def sensors(self) -> Sequence[Sensor]: ...

    def reading(self, number: int) -> float | None:
        """Value of an analog sensor in its unit, or None when unavailable."""
        ...

    def states(self, number: int) -> int | None:
        """Asserted state offsets (bit mask) of a discrete sensor, or None when unavailable."""
        ...

    def repository_changed_at(self) -> int:
        """Seconds (UTC) at which the list of sensors last changed: clients cache by it."""
        ...

    def thresholds(self, number: int) -> Thresholds:
        """The limits in force of an analog sensor."""
        ...

    def hysteresis(self, number: int) -> Hysteresis: ...

    def event_enables(self, number: int) -> EventEnables | None:
        """What a client has set; None = as the sensor comes, every event it has."""
        ...

    def event_status(self, number: int) -> EventStatus | None:
        """Debounced state of an analog sensor's events; None when nobody watches it."""
        ...

    async def set_thresholds(self, number: int, thresholds: Thresholds) -> None: ...

    async def set_hysteresis(self, number: int, hysteresis: Hysteresis) -> None: ...

    async def set_event_enables(self, number: int, enables: EventEnables) -> None: ...

    def rearm(self, number: int) -> None:
        """Forget the sensor's event state: a condition that lasts is told again."""
        ...
