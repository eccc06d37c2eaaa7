# SPDX-License-Identifier: Apache-2.0
"""Work that waits for machines, as whoever schedules it says it: the one place where its bytes are parsed.

Each source has a topic of its own, `pgood/fleet/DOMAIN/demand/SOURCE`, and says how long its word holds, so that a
source that has died keeps nobody awake for good.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta

from agent.fleet.farm.demand import total
from agent.fleet.farm.model import NS_PER_S, Amounts, Resource
from agent.fleet.farm.tables import DEMAND, Amount
from agent.fleet.node.documents import MAX_BYTES, Name
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.topics import BASE, NAME

MAX_SOURCES = 1000
BEGINS_NS = 200 * NS_PER_S
"""After this machines have said how busy the work makes them: they do once a minute."""


class Demand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="demand"):
    """Retained. What `source` needs beyond what runs already, in the units of the farm's machines."""

    source: Name
    cpu: Amount = 0.0
    memory: Amount = 0.0
    ssd: Amount = 0.0
    hdd: Amount = 0.0
    for_s: Annotated[float, Meta(ge=1, le=86_400)]
    """So long it holds, from when it is heard, unless it is said again."""

    @property
    def amounts(self) -> Amounts:
        return {resource: getattr(self, resource.value) for resource in Resource}


def demand_pattern(domain: str) -> str:
    return demand_topic(domain, "+")


def demand_topic(domain: str, source: str) -> str:
    return f"{BASE}/{domain}/{DEMAND}/{source}"


def source_of(topic: str, domain: str) -> str | None:
    """None if it is no topic of demand."""
    prefix = demand_topic(domain, "")
    source = topic.removeprefix(prefix) if topic.startswith(prefix) else ""
    return source if NAME.fullmatch(source) else None


def read_demand(payload: bytes, source: str) -> Demand | Refusal:
    """Never raises."""
    if len(payload) > MAX_BYTES:
        return Refusal(RefusedBecause.TOO_LARGE, f"{len(payload)} bytes: at most {MAX_BYTES}")
    try:
        demand = _DECODER.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Refusal(RefusedBecause.MALFORMED, f"no demand of {source}: {error}")
    if demand.source != source:
        return Refusal(RefusedBecause.OTHER_NODE, f"it is of {demand.source!r} but came on the topic of {source!r}")
    return demand


@dataclass(slots=True)
class WaitingWork:
    """What all sources have said. Deterministic; the caller gives the time."""

    _heard: dict[str, tuple[Demand, int]] = field(default_factory=dict)
    _lowered_ns: int | None = None

    def hear(self, payload: bytes, source: str, now_ns: int) -> Refusal | None:
        """An empty payload takes a demand back."""
        before = self.now(now_ns).get(source)
        if not payload:
            if self._heard.pop(source, None) is not None:
                self._lowered_ns = now_ns
            return None
        demand = read_demand(payload, source)
        if isinstance(demand, Refusal):
            return demand
        if source not in self._heard and len(self.now(now_ns)) >= MAX_SOURCES:
            return Refusal(RefusedBecause.TOO_MANY, f"more than {MAX_SOURCES} sources of demand")
        if before is not None and any(demand.amounts[each] < amount for each, amount in before.amounts.items()):
            self._lowered_ns = now_ns
        self._heard[source] = (demand, now_ns)
        return None

    def now(self, now_ns: int) -> dict[str, Demand]:
        """By source; what has run out is forgotten."""
        holds = {
            source: (demand, heard_ns)
            for source, (demand, heard_ns) in self._heard.items()
            if now_ns < heard_ns + demand.for_s * NS_PER_S
        }
        self._heard = holds
        return {source: demand for source, (demand, _) in sorted(holds.items())}

    def begins(self, now_ns: int) -> bool:
        """Whether work has just been taken off the list: it may have begun, and no machine shows it yet."""
        return self._lowered_ns is not None and now_ns < self._lowered_ns + BEGINS_NS

    def total(self, now_ns: int) -> Amounts:
        return total(demand.amounts for demand in self.now(now_ns).values())


_DECODER = msgspec.json.Decoder(Demand)
