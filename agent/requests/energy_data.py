# SPDX-License-Identifier: Apache-2.0
"""What answers about energy carry as `data`. Retained documents and telemetry have schemas of their own."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from agent.requests.data import Data, Time, Watts

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
