# SPDX-License-Identifier: Apache-2.0
"""What answers about energy carry as `data`. Retained documents and telemetry have schemas of their own."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from agent.requests.data import Count, Data, Time, Watts

EnergyDocument = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "pgood:energy-state:1"})]
EnergyReadings = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "pgood:telemetry:1#/properties/energy"})]


class ExpectedCap(Data, frozen=True):
    """A quarter of an hour of today."""

    start: Time
    cap_w: Watts
    policy: str


class BoostGranted(Data, frozen=True):
    """For so long at most; it ends by itself when its power is needed elsewhere."""

    seconds: Annotated[float, Meta(gt=0)]
    extra_w: Annotated[float, Meta(ge=0)]


class SignalValue(Data, frozen=True):
    start: Time
    seconds: Annotated[int, Meta(gt=0)]
    value: float


class EnergyNow(Data, frozen=True):
    """`caps` is what the cap was or will be today by what is known now; `curves` are today's signals."""

    state: EnergyDocument
    readings: EnergyReadings
    caps: list[ExpectedCap]
    curves: dict[str, list[SignalValue]]


class Window(Data, frozen=True):
    """Means and `saving` are in the unit of the signal; `mean_now` is that of starting now."""

    start: Time
    end: Time
    mean: float
    mean_now: float
    saving: Annotated[float, Meta(ge=0)]


class BestWindow(Data, frozen=True):
    """`window` null: `why` says why there is none."""

    signal: str
    unit: str
    window: Window | None
    why: str


class Error(Data, frozen=True):
    """Mean absolute error in the unit of the values; `mase` as a share of the naive model's; `mape` of the values."""

    mae: float
    mase: float | None
    mape: float | None


class ForecastValue(Data, frozen=True):
    """Nine of ten values are between `low` and `high`."""

    start: Time
    seconds: Annotated[int, Meta(gt=0)]
    value: float
    low: float
    high: float


class Forecasted(Data, frozen=True):
    """`naive_error` is that of the model that has to be beaten; without points `why` says what is missing."""

    of: str
    points: list[ForecastValue]
    model: str | None
    error: Error | None
    naive_error: Error | None
    why: str


class Celsius(Data, frozen=True):
    """Nine of ten readings would be between `low_c` and `high_c`."""

    c: float
    low_c: float
    high_c: float


class WhatIf(Data, frozen=True):
    """Null where no answer is honest; `note` says why, or what the numbers rest on."""

    zone: str
    now_c: float | None
    trip_c: float | None
    in_10_min: Celsius | None
    steady: Celsius | None
    power_w: Watts | None
    note: str


class Valued(Data, frozen=True):
    """Of the part of the energy of which it is known; a negative price makes a negative cost."""

    amount: float
    unknown_kwh: Annotated[float, Meta(ge=0)]


class WorkDone(Data, frozen=True):
    amount: Annotated[float, Meta(ge=0)]
    unit: str


class EnergyReport(Data, frozen=True, rename={"from_": "from"}):
    """What is null is not known. `measured` is the share of the time; `text` is for a person."""

    quantity: str
    from_: Time
    to: Time
    energy_kwh: float | None
    estimated_kwh: float
    measured: Annotated[float, Meta(ge=0, le=1)]
    hours: Count
    hours_missing: Count
    cost_eur: Valued | None
    carbon_g: Valued | None
    carbon_is_marginal: bool
    mean_w: Watts | None
    peak_hour_w: Watts | None
    headroom_w: Watts | None
    work: WorkDone | None
    work_per_wh: float | None
    cap_adjustments: Count
    refresh_success: Annotated[float, Meta(ge=0, le=1)] | None
    rapl_errors: Count
    data_availability: Annotated[float, Meta(ge=0, le=1)] | None
    text: list[str]
