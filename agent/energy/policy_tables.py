# SPDX-License-Identifier: Apache-2.0
"""`[[energy.policies]]`: one table per policy; `kind` says which, and the other keys are its settings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from agent.energy.policies.carbon import HOUR_S, CarbonBudgetPolicy, CarbonThresholdPolicy
from agent.energy.policies.efficient import EfficientPolicy
from agent.energy.policies.limits import BatteryPolicy, SupplyPolicy, ThermalPolicy
from agent.energy.policies.price import PricePolicy
from agent.energy.policies.renewable import RenewablePolicy
from agent.energy.policies.volume import Reference, VolumePolicy
from agent.profile.base import Name, Table

if TYPE_CHECKING:
    from agent.energy.policies.situation import Policy

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class _PolicyTable(Table, frozen=True, kw_only=True, tag_field="kind"):
    name: Name | Literal[""] = ""
    """In events and telemetry; the kind, unless given."""

    @property
    def title(self) -> str:
        return self.name or str(self.__struct_config__.tag)


class VolumeTable(_PolicyTable, frozen=True, kw_only=True, tag="volume"):
    """Rule of three: the cap is to the largest one as the volume of now is to the day's."""

    signal: str
    reference: Literal["maximum", "average"] = "maximum"

    def make(self) -> Policy:
        return VolumePolicy(self.title, self.signal, Reference(self.reference))


class PriceTable(_PolicyTable, frozen=True, kw_only=True, tag="price"):
    """The dearer, the less."""

    signal: str
    cheap: float | None = None
    dear: float | None = None

    def __post_init__(self) -> None:
        for key, price in (("cheap", self.cheap), ("dear", self.dear)):
            if price is not None and not math.isfinite(price):
                raise ValueError(f"{key} is no price (here: {price:g})")
        if self.cheap is not None and self.dear is not None and self.cheap >= self.dear:
            raise ValueError(f"cheap must be below dear ({self.cheap:g} and {self.dear:g})")

    def make(self) -> Policy:
        return PricePolicy(self.title, self.signal, self.cheap, self.dear)


class RenewableTable(_PolicyTable, frozen=True, kw_only=True, tag="renewable"):
    """The larger the share of renewable electricity, the more."""

    signal: str
    low_percent: Percent = 0.0
    high_percent: Percent = 100.0

    def __post_init__(self) -> None:
        if self.low_percent >= self.high_percent:
            raise ValueError("low_percent must be below high_percent")

    def make(self) -> Policy:
        return RenewablePolicy(self.title, self.signal, self.low_percent, self.high_percent)


class CarbonTable(_PolicyTable, frozen=True, kw_only=True, tag="carbon"):
    """Less while electricity is dirty, and for a while after."""

    signal: str
    threshold_g_per_kwh: Annotated[float, msgspec.Meta(gt=0, le=5000)] = 400.0
    reduction_percent: Percent = 15.0
    hold_h: Annotated[float, msgspec.Meta(ge=0, le=48)] = 2.0

    def make(self) -> Policy:
        return CarbonThresholdPolicy(
            self.title, self.signal, self.threshold_g_per_kwh, self.reduction_percent / 100, self.hold_h * HOUR_S
        )


class CarbonBudgetTable(_PolicyTable, frozen=True, kw_only=True, tag="carbon-budget"):
    """No more than so much carbon a day."""

    signal: str
    budget_g: Annotated[float, msgspec.Meta(gt=0, le=100_000_000)]

    def make(self) -> Policy:
        return CarbonBudgetPolicy(self.title, self.signal, self.budget_g)


class EfficientTable(_PolicyTable, frozen=True, kw_only=True, tag="efficient"):
    """No faster than where work costs the least energy; the actuator cpufreq with `tuning`."""

    def make(self) -> Policy:
        return EfficientPolicy(self.title)


class ThermalTable(_PolicyTable, frozen=True, kw_only=True, tag="thermal"):
    """The largest power that keeps a zone below its trip for the next ten minutes."""

    zone: str
    trip_c: Annotated[float, msgspec.Meta(ge=-40, le=150)] | None = None
    """The zone's passive trip, else its hot one, unless given."""
    ahead_s: Annotated[float, msgspec.Meta(ge=60, le=3600)] = 600.0

    def make(self) -> Policy:
        return ThermalPolicy(self.title)


class SupplyTable(_PolicyTable, frozen=True, kw_only=True, tag="supply"):
    """Never more than the healthy supplies give."""

    def make(self) -> Policy:
        return SupplyPolicy(self.title)


class BatteryTable(_PolicyTable, frozen=True, kw_only=True, tag="battery"):
    """On battery: less as it empties."""

    reserve_percent: Annotated[float, msgspec.Meta(ge=0, lt=100)] = 20.0

    def make(self) -> Policy:
        return BatteryPolicy(self.title, self.reserve_percent / 100)


OF_SIGNAL = (VolumeTable, PriceTable, RenewableTable, CarbonTable, CarbonBudgetTable)
PolicyTable = (
    VolumeTable
    | PriceTable
    | RenewableTable
    | CarbonTable
    | CarbonBudgetTable
    | EfficientTable
    | ThermalTable
    | SupplyTable
    | BatteryTable
)
