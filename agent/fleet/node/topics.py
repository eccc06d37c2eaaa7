# SPDX-License-Identifier: Apache-2.0
"""Where documents about a node live: `BASE/SEGMENT/NODE/LEAF`, without dots, so that any broker carries them."""

from __future__ import annotations

import enum
import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
BASE = "pgood/fleet"


class Leaf(enum.Enum):
    """The last level of a topic, and so what is said there."""

    TARGET = "target"
    REPORT = "report"
    ALIVE = "alive"
    """Heartbeat and last will share it: one overwrites the other."""
    WAKE = "wake"
    WITNESS = "witness"
    LOAD = "load"
    """For the automation; nodes do not listen to it."""


RETAINED = (Leaf.TARGET, Leaf.REPORT, Leaf.ALIVE, Leaf.LOAD)


def topic(segment: str, node: str, leaf: Leaf, base: str = BASE) -> str:
    return f"{base}/{segment}/{node}/{leaf.value}"


def patterns(segment: str, base: str = BASE) -> tuple[str, ...]:
    """What a node subscribes to: everything about its segment that nodes decide by."""
    return tuple(f"{base}/{segment}/+/{leaf.value}" for leaf in Leaf if leaf is not Leaf.LOAD)


def place(name: str, base: str = BASE) -> tuple[str, str, Leaf] | None:
    """Segment, node and leaf of a topic; None if it is not one of these."""
    if not name.startswith(f"{base}/"):
        return None
    match name[len(base) + 1 :].split("/"):
        case [segment, node, last] if NAME.fullmatch(segment) and NAME.fullmatch(node):
            leaf = next((leaf for leaf in Leaf if leaf.value == last), None)
            return None if leaf is None else (segment, node, leaf)
    return None
