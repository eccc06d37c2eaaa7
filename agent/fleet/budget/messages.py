# SPDX-License-Identifier: Apache-2.0
"""What nodes and coordinator say to each other, and the one place where it is read from bytes.

A node's times are of its own monotonic clock; the coordinator gives them back as they came and never compares them
with its own. So no delay, however long, makes a lease last longer than it was meant to.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, TypeVar

import msgspec

from agent.profile.base import Name

Watts = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
LONGEST = 2048
"""Bytes of a message."""


class Refusal(Enum):
    """Why a message was not believed; each is counted under its value."""

    MALFORMED = "malformed"
    """Not JSON of this form, or a number that is none or out of all bounds."""
    TOO_LONG = "too-long"
    WRONG_NODE = "wrong-node"
    """The topic names another one than the message."""
    UNKNOWN_NODE = "unknown-node"
    UNKNOWN_GROUP = "unknown-group"
    UNKNOWN_KIND = "unknown-kind"
    """Of an emergency."""
    WRONG_SESSION = "wrong-session"
    """For, or from, an earlier start of the node."""
    OLD_REVISION = "old-revision"
    """A newer one was seen: a repetition, or a coordinator that no longer leads."""
    OLD_REPORT = "old-report"
    FUTURE = "future"
    """A lease that would last longer than any may."""
    ABOVE_PEAK = "above-peak"
    RETAINED = "retained"
    """Kept by the broker: nothing says how old it is."""


class Proof(Enum):
    """Whether a node's cap is known to be in force."""

    PROVEN = "proven"
    """Read back after it was set."""
    PENDING = "pending"
    """Set just now and not read back yet."""
    UNPROVEN = "unproven"
    """There is no way to set it, or what is read back is not what was set."""


class Revision(msgspec.Struct, frozen=True, order=True, array_like=True, forbid_unknown_fields=True):
    """`term` is the revision of the leader's lease; `number` rises within it."""

    term: Count = 0
    number: Count = 0


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From a node, each cycle."""

    node: Name
    session: Count
    """Random for each start of the node's agent."""
    sequence: Count
    """Rises within a session."""
    at_ns: Count
    watts: Watts
    base_w: Watts
    """What it falls back to."""
    revision: Revision
    """The highest that it accepted."""
    lease_w: Watts
    """What it may draw now, by that."""
    lease_left_ns: Count
    """Until its lease ends; 0 = it has none and keeps its base."""
    proof: Proof
    measured_peak_w: Watts
    """The most that was measured lately; counts while the cap is not proven."""
    demand_w: Watts | None = None
    """What it would draw without a cap, if it can tell."""
    efficiency: Annotated[float, msgspec.Meta(ge=0, le=1e12)] | None = None
    """Work for each joule, in any unit of its own."""


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """To a node: it may draw `cap_w` until `until_ns` of its own clock; then its base.

    Without a cap it only tells that a new coordinator leads: what the node has, it keeps until that ends.
    """

    node: Name
    session: Count
    revision: Revision
    cap_w: Watts | None
    until_ns: Count


T = TypeVar("T")
_REPORT = msgspec.json.Decoder(Report)
_GRANT = msgspec.json.Decoder(Grant)
_ENCODER = msgspec.json.Encoder()


def encode(message: Report | Grant) -> bytes:
    return _ENCODER.encode(message)


def read(payload: bytes, decoder: msgspec.json.Decoder[T], longest: int = LONGEST) -> T | Refusal:
    """Any document of at most so many bytes. Never raises."""
    if len(payload) > longest:
        return Refusal.TOO_LONG
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refusal.MALFORMED


def read_report(payload: bytes, node: str) -> Report | Refusal:
    """`node` is the one that the topic names."""
    report = read(payload, _REPORT)
    return report if isinstance(report, Refusal) or report.node == node else Refusal.WRONG_NODE


def read_grant(payload: bytes, node: str) -> Grant | Refusal:
    """`node` is the one that the topic names."""
    grant = read(payload, _GRANT)
    return grant if isinstance(grant, Refusal) or grant.node == node else Refusal.WRONG_NODE
