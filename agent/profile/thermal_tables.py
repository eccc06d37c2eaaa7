# SPDX-License-Identifier: Apache-2.0
"""What a profile says of heat: zones with their trips, and the fans that cool them (keys: docs/thermal.md)."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

from agent.profile.base import Name, Table

Celsius = Annotated[float, msgspec.Meta(ge=-40, le=150)]
HysteresisC = Annotated[float, msgspec.Meta(ge=0, le=30)]
DutyPercent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Rpm = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
PwmNumber = Annotated[int, msgspec.Meta(ge=1, le=16)]
ChipName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.+-]{1,64}$")]
"""What the kernel writes into `name`: no dash in new drivers, but older ones have it. Never a path."""
HwmonAttribute = Annotated[str, msgspec.Meta(pattern="^(temp|humidity)[0-9]{1,3}_input$")]


class Quantity(enum.Enum):
    """What a sensor measures: degrees Celsius, or percent of relative humidity."""

    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"

    @property
    def group(self) -> str:
        """Where telemetry has the sensors of this quantity."""
        return {Quantity.TEMPERATURE: "temperatures_c", Quantity.HUMIDITY: "humidities_percent"}[self]


class OnLost(enum.Enum):
    """What a zone does to its hosts when a sensor is lost (safety rule 13)."""

    NONE = "none"
    SOFT_OFF = "soft-off"


class TripTable(Table, frozen=True):
    """A temperature, and how far the zone must cool below it before it may act again."""

    celsius: Celsius
    hysteresis_c: HysteresisC = 3.0


class ZoneTable(Table, frozen=True):
    """Sensors that watch one part of the machine; the hottest counts."""

    name: Name
    sensors: tuple[str, ...]
    domains: tuple[str, ...] = ()
    """What it protects, as in `host/0`; all hosts, unless given."""
    active: TripTable | None = None
    """Fans up."""
    passive: TripTable | None = None
    """Ask for less."""
    hot: TripTable | None = None
    """Soft off."""
    critical: TripTable | None = None
    """Forced off, all at once."""
    on_lost: OnLost = OnLost.NONE
    on_lost_alone: bool = False
    """A lost sensor is enough; else a second, independent one must agree."""


class CurveTable(Table, frozen=True):
    """Duty by the temperature of a zone: straight lines between the points, level beyond them."""

    zone: str
    points: tuple[tuple[Celsius, DutyPercent], ...]


class FanTable(Table, frozen=True):
    """One pwm output of a hwmon chip, and the tachometer of its fan."""

    name: Name
    chip: ChipName
    device: str = ""
    """The kernel's name of the device below the chip (`1-002e`), where two chips have the same name."""
    pwm: PwmNumber = 1
    tach: PwmNumber | None = None
    """N of fanN_input; without one, nobody can tell whether it turns."""
    curves: tuple[CurveTable, ...] = ()
    min_duty: DutyPercent = 20.0
    max_duty: DutyPercent = 100.0
    fail_safe_duty: DutyPercent = 100.0
    """While an input is lost."""
    hysteresis_c: HysteresisC = 2.0
    """So far must the temperature fall before the fan slows down."""
    slew_percent_per_s: Annotated[float, msgspec.Meta(gt=0, le=100)] = 5.0
    """How fast it slows down; it speeds up at once."""
    min_rpm: Rpm = 300
    """Slower than this is a stall."""
    maximum_rpm: Rpm = 12_750
    """The end of its scale in IPMI."""
    host: str = ""
    """The host whose power it runs on: it may stand still while this one is off."""
    must_run: bool = False
    """Hosts of its zones are not switched on while it stands still."""
