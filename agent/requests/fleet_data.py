# SPDX-License-Identifier: Apache-2.0
"""What answers about the fleet carry as `data`: this board's machines, and the lease of its power."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from agent.fleet.node.documents import Asker, Condition, Direction
from agent.fleet.node.guards import Guard
from agent.requests.data import Count, Data

Seconds = Annotated[float, Meta(ge=0)]
Reason = Annotated[str, Meta(description="empty = there is none")]


class StandingGuard(Data, frozen=True):
    guard: Guard
    reason: str


class WakeAttempts(Data, frozen=True):
    """A node that is missing: `attempt` counts from 1; `made` = by whomever; `given_up` = none follow."""

    node: str
    revision: Count
    attempt: Annotated[int, Meta(ge=1)]
    of: Annotated[int, Meta(ge=1)]
    made: bool
    given_up: bool


class Promises(Data, frozen=True):
    """`asked`: who shall stay awake meanwhile. `given_s`: another node relies on this one for so long."""

    asked: str | None
    had_s: Seconds | None
    given_s: Seconds | None


class MachineNow(Data, frozen=True):
    """`kind`: `own` = the computer that pgood runs on, `host` = one of the board, `board` = it wakes others."""

    node: str
    segment: str
    kind: Literal["own", "host", "board"]
    state: Direction | None
    target: Direction | None
    condition: Condition
    reason: Reason
    revision: Count
    reached: Count
    asked_by: Asker
    phase: str
    orders: Annotated[Count, Meta(description="so often it was told to follow this revision")]
    retry_s: Seconds | None
    guards: list[StandingGuard]
    able: Annotated[bool, Meta(description="it could be woken again")]
    unable: Reason
    macs: list[str]
    wakes: list[str]
    woken_by: list[str]
    awake: list[str]
    promises: Promises
    waking: list[WakeAttempts]
    wakes_failed: Count
    start: Count
    uptime_s: Annotated[float, Meta(ge=0, description="over all boots, by its heartbeats")]
    connected: bool
    broker: Annotated[str, Meta(description="what its connection does")]
    refused: Annotated[dict[str, Count], Meta(description="messages that were not believed, by reason")]
    last_refused: dict[str, str]


class LeaseNow(Data, frozen=True):
    """`ends_s`: after that the cap is `base_w`. `proof`: whether the cap was read back."""

    node: str
    domain: str
    cap_w: float
    base_w: float
    peak_w: float
    ends_s: Seconds | None
    term: Count
    number: Count
    proof: Literal["proven", "pending", "unproven"]
    connected: bool
    refused: dict[str, Count]


class FleetNow(Data, frozen=True):
    machines: list[MachineNow]
    lease: LeaseNow | None
