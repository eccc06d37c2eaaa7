# SPDX-License-Identifier: Apache-2.0
"""What answers carry as `data`, as types: JSON schemas are made from these, and tests hold a running board to them.

What the board publishes by itself has schemas of its own: `pgood:NAME:1` is the `$id` of docs/schemas/NAME.json.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from agent.power.front_panel import PanelButton, Wiring
from agent.power.gate import Policy
from agent.power.policy import EmergencyPolicies, OperationPolicies, SafetyPolicies, SequencingPolicies
from agent.power.request import Action, HostState, Verdict
from agent.power.restore import Restore
from agent.trends.span import Span

Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", description="RFC 3339, UTC")]
Count = Annotated[int, Meta(ge=0)]
Source = Annotated[str, Meta(pattern="^(host|chassis|aux)/", description="as in `host/0`")]
Milliseconds = Annotated[int, Meta(ge=0)]
Watts = Annotated[float, Meta(description="watts; null = not known")]
Origin = Annotated[str, Meta(description="who: `mqtt`, `mqtt:ROLE`, `ipmi:USER@ADDRESS`, `local:USER`")]
Json = Annotated[dict[str, Any], Meta(description="a JSON schema, draft 2020-12")]

HostDocument = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "pgood:host-state:1"})]
DomainDocument = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "pgood:domain-state:1"})]
SupplyDocument = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "pgood:psu-state:1"})]
RedundancyDocument = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "pgood:redundancy-state:1"})]

Documents = Annotated[
    dict[str, Any],
    Meta(
        description="every retained document by its topic",
        extra_json_schema={
            "patternProperties": {
                "^info$": {"$ref": "pgood:info:1"},
                "^host/[^/]+/state$": {"$ref": "pgood:host-state:1"},
                "^psu/[^/]+/state$": {"$ref": "pgood:psu-state:1"},
                "^redundancy/state$": {"$ref": "pgood:redundancy-state:1"},
                "^thermal/[^/]+/state$": {"$ref": "pgood:thermal-state:1"},
                "^(chassis|aux)/[^/]+/state$": {"$ref": "pgood:domain-state:1"},
                "^policies/state$": {"$ref": "pgood:policies-state:1"},
                "^energy/state$": {"$ref": "pgood:energy-state:1"},
            },
            "additionalProperties": False,
            "required": ["info", "policies/state"],
        },
    ),
]
Telemetry = Annotated[
    dict[str, Any],
    Meta(
        description="as published, without what the publisher adds (`seq`, `mqtt`)",
        extra_json_schema={
            "properties": {
                key: {"$ref": f"pgood:telemetry:1#/properties/{key}"}
                for key in (
                    *("time", "mono_ns", "boot", "uptime_s", "hosts", "supplies", "supply_set", "temperatures_c"),
                    *("humidities_percent", "fans", "energy", "operations", "engine"),
                )
            },
            "additionalProperties": False,
            "required": ["time", "mono_ns", "boot", "uptime_s", "hosts", "engine", "operations"],
        },
    ),
]


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An object with these keys and no others; a key that may be absent says so by UnsetType."""


# ---------------------------------------------------------------------- operations


class Step(Data, frozen=True):
    at_ms: Milliseconds
    text: str


class Operation(Data, frozen=True):
    """`what` is an action, or a method that acts on several domains."""

    id: str
    what: str
    targets: list[Source]
    origin: Origin
    state: Annotated[str, Meta(extra_json_schema={"enum": ["running", *(verdict.value for verdict in Verdict)]})]
    reason: str
    began: Time
    elapsed_ms: Milliseconds
    steps: list[Step]


class HostAsItIs(Data, frozen=True):
    """Nothing was begun: it is so already, or it was refused."""

    host: str
    state: HostState


class DomainsAsTheyAre(Data, frozen=True):
    """Nothing was begun: they are so already, or it was refused."""

    domains: dict[str, HostState]


class OperationList(Data, frozen=True):
    """Oldest first."""

    operations: list[Operation]


class AuditLine(Data, frozen=True):
    time: Time
    mono_ns: Count
    boot: str
    who: Origin
    what: str
    targets: list[Source]
    verdict: Verdict
    reason: str
    operation: str | None


class AuditLines(Data, frozen=True):
    """Oldest first."""

    lines: list[AuditLine]


class OperationMetrics(Data, frozen=True):
    """Of this run of the agent; keys of `ended` and `failure_modes` are `what: verdict` and `what: mode`."""

    success_rate: Annotated[float, Meta(ge=0, le=1)] | None
    ended: dict[str, Count]
    failure_modes: dict[str, Count]
    refused: dict[str, Count]
    mean_s: dict[str, Annotated[float, Meta(ge=0)]]
    durations_s: dict[str, dict[str, Count]]


class Metrics(Data, frozen=True):
    """`text` is the Prometheus page, if it was asked for."""

    operations: OperationMetrics
    text: str | UnsetType = UNSET


# ---------------------------------------------------------------------- status


class HostStatus(Data, frozen=True):
    state: HostState
    powered: bool
    reason: str
    running: Action | None
    armed: bool
    since: Time
    power_on_h: Count
    operation: str | None


class HostStatuses(Data, frozen=True):
    hosts: dict[str, HostStatus]


class ChassisStatus(Data, frozen=True):
    powered: bool
    hosts: dict[str, HostDocument]
    domains: dict[str, DomainDocument]
    spare_w: Watts | None
    supplies: dict[str, SupplyDocument]
    redundancy: RedundancyDocument | None
    input_w: Watts | None


class Problem(Data, frozen=True):
    source: str
    reason: Annotated[str, Meta(min_length=1)]


class Health(Data, frozen=True):
    healthy: bool
    problems: list[Problem]


class SystemStatus(Data, frozen=True):
    documents: Documents
    telemetry: Telemetry
    health: Health
    operations: list[Operation]


class Domain(Data, frozen=True):
    """The first one is the chassis as a whole, which has a name, a type and members only."""

    name: str
    type: Literal["chassis", "aux", "host"]
    members: list[Source]
    state: HostState | UnsetType = UNSET
    controls: list[str] | UnsetType = UNSET
    power_good: list[str] | UnsetType = UNSET
    needs: list[Source] | UnsetType = UNSET
    needed_by: list[Source] | UnsetType = UNSET
    start_delay_ms: Milliseconds | UnsetType = UNSET
    stop_delay_ms: Milliseconds | UnsetType = UNSET
    watts: Watts | UnsetType | None = UNSET
    operation: str | UnsetType | None = UNSET


class DomainList(Data, frozen=True):
    domains: list[Domain]


# ---------------------------------------------------------------------- settings


class Setting(Data, frozen=True):
    value: Any
    origin: Literal["command line", "state", "site file", "profile", "default"]


class Config(Data, frozen=True):
    settings: dict[str, Setting]
    can_be_changed: list[str]


class Override(Data, frozen=True):
    policies: list[Policy]
    by: Origin
    why: str
    left_s: Annotated[float, Meta(ge=0, description="seconds")]


class RedundancyPolicies(Data, frozen=True):
    enabled: bool
    rotation: bool
    algorithm: Literal["bmc_specific", "user_specific"]
    ranks: list[Count]
    period_s: Count
    expected_supplies: Count
    power_limit_w: Watts | None


class Policies(Data, frozen=True):
    """`redundancy` where the board has supplies."""

    restore: Restore
    safety: SafetyPolicies
    sequencing: SequencingPolicies
    operations: OperationPolicies
    emergency: EmergencyPolicies
    override: Override | None
    redundancy: RedundancyPolicies | UnsetType = UNSET


class Panel(Data, frozen=True):
    host: str
    wiring: Wiring
    buttons: list[PanelButton]
    masked: list[PanelButton]


# ---------------------------------------------------------------------- trends, methods


class TrendNames(Data, frozen=True):
    readings: list[str]


class TrendPoint(Data, frozen=True):
    """`time` is null while the clock is not set."""

    time: Time | None
    age_s: int
    mean: float
    min: float
    max: float


class Trend(Data, frozen=True):
    """Oldest first."""

    reading: str
    span: Span
    step_s: Count
    points: list[TrendPoint]


class MethodList(Data, frozen=True):
    methods: list[str]


class MethodDescription(Data, frozen=True):
    """`acts`: it changes something. `answer` is the schema of `data`."""

    method: str
    acts: bool
    request: Json
    answer: Json
