# SPDX-License-Identifier: Apache-2.0
"""What nodes and their owners say to each other, as types; the one place where its bytes are parsed.

No document is ordered by a clock. Targets are ordered by `revision`, which their owner counts; what a node says is
ordered by `start`, the number of its boot that it keeps on its disk, and within a boot by `number`.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta

from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.topics import Leaf

MAX_BYTES = 4096
"""A document longer than this is refused before it is parsed."""
MAX_COUNT = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""
MOST_STARTS = 2**52
"""A node that is told of more starts of its own does not go on from there: it could not count on for ever."""
MAX_NS = 2**62
MOST_WOKEN = 32
"""So many nodes one board can switch on: their names must fit into its report."""

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z", description="no dots: it is part of a topic")]
Text = Annotated[str, Meta(max_length=300)]
BootId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{0,64}\Z", description="empty where the kernel does not tell")]
Mac = Annotated[str, Meta(pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}\Z")]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Number = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Share = Annotated[float, Meta(ge=0, le=1)]
Nanoseconds = Annotated[int, Meta(ge=0, le=MAX_NS)]


class Direction(enum.Enum):
    """Whether a machine runs, or should."""

    UP = "up"
    DOWN = "down"


class Condition(enum.Enum):
    """State and target together, in one word."""

    ON = "on"
    WAKING = "waking"
    SHUTTING_DOWN = "shutting-down"
    OFF = "off"
    UNKNOWN = "unknown"
    """It cannot be seen whether the machine runs."""


class Asker(enum.Enum):
    """Who wants a target. A person is obeyed at once, automation waits until the machine has been on for a while."""

    PERSON = "person"
    AUTOMATION = "automation"


def condition(state: Direction | None, target: Direction | None) -> Condition:
    """A machine without a target is what it is."""
    match state, target:
        case None, _:
            return Condition.UNKNOWN
        case Direction.UP, Direction.DOWN:
            return Condition.SHUTTING_DOWN
        case Direction.DOWN, Direction.UP:
            return Condition.WAKING
        case Direction.UP, _:
            return Condition.ON
        case _:
            return Condition.OFF


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every document names the node it is about; it must be the one of its topic."""

    node: Name


class Target(Document, frozen=True, tag="target"):
    """Retained. What its owner wants of a node."""

    target: Direction
    revision: Number
    asked_by: Asker = Asker.AUTOMATION
    reason: Text = ""


class Said(Document, frozen=True):
    """What a node says of itself, in the order of (start, number)."""

    segment: Name
    boot: BootId
    start: Number
    number: Number

    @property
    def order(self) -> tuple[int, int]:
        return self.start, self.number


class Report(Said, frozen=True, tag="report"):
    """Retained. The actual state; `last` = the node goes to sleep after this. `revision` 0 = no target was heard."""

    state: Direction | None
    condition: Condition
    target: Direction | None
    revision: Count
    reason: Text = ""
    able: bool = False
    last: bool = False
    sends: bool = False
    """It can send magic packets to others of its segment."""
    macs: Annotated[tuple[Mac, ...], Meta(max_length=8)] = ()
    """Where a magic packet wakes it."""
    wakes: Annotated[tuple[Name, ...], Meta(max_length=MOST_WOKEN)] = ()
    """Nodes whose machines this board can switch on."""


class Load(Said, frozen=True, tag="load"):
    """Retained. How much of a node is in use; `busy` says for whom, and is empty where nobody needs it."""

    cpu: Share
    memory: Share
    busy: Text = ""


class Heartbeat(Said, frozen=True, tag="heartbeat"):
    """`uptime_ns` runs on the node's monotonic clock since its boot, without the time it slept."""

    uptime_ns: Nanoseconds
    interval_ns: Annotated[int, Meta(ge=1_000_000, le=86_400_000_000_000)]


class Gone(Document, frozen=True, tag="gone"):
    """The last will: the broker says it for a node whose connection ended without a word."""

    segment: Name
    boot: BootId
    start: Number


class WakeSent(Document, frozen=True, tag="wake-sent"):
    """`sender` has sent a burst of magic packets to `node`."""

    segment: Name
    sender: Name
    revision: Number
    attempt: Annotated[int, Meta(ge=0, le=1000)]


class WitnessAsked(Document, frozen=True, tag="witness-asked"):
    """`node` wants to sleep and asks `witness` to stay awake for `stay_ns`."""

    segment: Name
    witness: Name
    start: Number
    number: Number
    stay_ns: Annotated[int, Meta(ge=1, le=600_000_000_000)]


class WitnessPromised(Document, frozen=True, tag="witness-promised"):
    """`witness` promises `node` to stay awake, from the moment it heard the question."""

    segment: Name
    witness: Name
    start: Number
    number: Number


ON_LEAF: dict[Leaf, Any] = {
    Leaf.TARGET: Target,
    Leaf.REPORT: Report,
    Leaf.ALIVE: Heartbeat | Gone,
    Leaf.WAKE: WakeSent,
    Leaf.WITNESS: WitnessAsked | WitnessPromised,
    Leaf.LOAD: Load,
}
"""What may be said on the last level of a topic."""
LEAF_OF: dict[type[Document], Leaf] = {
    kind: leaf for leaf, kinds in ON_LEAF.items() for kind in (get_args(kinds) or (kinds,))
}
_DECODERS = {leaf: msgspec.json.Decoder(kinds) for leaf, kinds in ON_LEAF.items()}


def speaker(document: Document) -> str:
    """Whose word it is."""
    match document:
        case WakeSent():
            return document.sender
        case WitnessPromised():
            return document.witness
    return document.node


def decode(payload: bytes, leaf: Leaf, node: str) -> Document | Refusal:
    """Parse what arrived at a topic of `node`. Never raises."""
    if len(payload) > MAX_BYTES:
        return Refusal(RefusedBecause.TOO_LARGE, f"{len(payload)} bytes: at most {MAX_BYTES}")
    try:
        document: Document = _DECODERS[leaf].decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Refusal(RefusedBecause.MALFORMED, f"no document for {leaf.value!r}: {error}")
    if document.node != node:
        return Refusal(RefusedBecause.OTHER_NODE, f"it is about {document.node!r} but came on the topic of {node!r}")
    return document


def encode(document: Document) -> bytes:
    return msgspec.json.encode(document)
