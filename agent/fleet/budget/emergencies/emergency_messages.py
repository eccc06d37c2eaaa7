# SPDX-License-Identifier: Apache-2.0
"""What is told of emergencies over the bus, and the one place where it is read from bytes.

A topic is one emergency of one group, so that the last word on each may be retained. It has a level of its own before
the domain and one more level than a node's topics: no node's name is like it, whatever a broker's rules let it write.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from agent.fleet.budget.emergencies.emergency import EmergencyKind
from agent.fleet.budget.messages import Refusal, read
from agent.fleet.budget.topics import BASE

LONGEST = 512
"""Bytes of a message."""
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="signal"):
    """The cause is there, or away."""

    present: bool
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    """What is left of the group's limit; None = as is usual for the kind."""
    critical: bool = False
    """Nodes may be cut below their base, to their `least_w`."""
    for_s: Seconds | None = None
    """The cause counts as away when nothing more was said for so long; None = until it is said to be away."""


class Temperature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="temperature"):
    """A reading of a zone, for `thermal`."""

    celsius: Annotated[float, msgspec.Meta(ge=-100, le=300)]
    trip_c: Annotated[float, msgspec.Meta(ge=0, le=200)]
    for_s: Seconds | None = None


_DECODER = msgspec.json.Decoder(Signal | Temperature)
_KINDS = {kind.value: kind for kind in EmergencyKind}


def emergency_topic(domain: str, group: str, kind: EmergencyKind) -> str:
    return f"{BASE}/emergency/{domain}/{group}/{kind.value}"


def emergencies_of(domain: str) -> str:
    """The pattern of all."""
    return f"{BASE}/emergency/{domain}/+/+"


def read_emergency(topic: str, payload: bytes) -> tuple[EmergencyKind, str, Signal | Temperature] | Refusal:
    """The kind, the group and what is told of it. Never raises."""
    levels = topic.split("/")
    kind = _KINDS.get(levels[-1])
    if len(levels) != 6 or kind is None:
        return Refusal.UNKNOWN_KIND
    told = read(payload, _DECODER, LONGEST)
    if isinstance(told, Refusal):
        return told
    if isinstance(told, Temperature) and kind is not EmergencyKind.THERMAL:
        return Refusal.MALFORMED
    return kind, levels[4], told
