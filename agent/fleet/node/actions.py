# SPDX-License-Identifier: Apache-2.0
"""What the decisions about one machine ask to be done."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.fleet.node.desired import Remembered
    from agent.fleet.node.documents import Document, WakeSent


class Happening(enum.Enum):
    """What people are told. The value is its name."""

    NOT_ASLEEP = "not-asleep"
    """The machine was asked to go down and did not."""
    NOT_AWAKE = "not-awake"
    """The machine was woken and did not come up."""
    NAME_TAKEN = "name-taken"
    """Another machine reports under the same name."""
    WAKE_FAILED = "wake-failed"
    """This machine was to wake another one, and could not."""


@dataclass(frozen=True, slots=True)
class Persist:
    """Keep this on the disk and say `persisted` when it is there; nothing waits for it but going to sleep."""

    remembered: Remembered


@dataclass(frozen=True, slots=True)
class Publish:
    """QoS 1. To the topic of this kind of document about `document.node`."""

    document: Document
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Sleep:
    """Shut the machine down: its own operating system, or a soft off of the host."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Switch the host on by its own means. Never asked of a node about itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class Burst:
    """Send `count` magic packets for `macs`, `gap_ns` apart. `announcement` is told when the first are out."""

    node: str
    macs: tuple[str, ...]
    count: int
    gap_ns: int
    announcement: WakeSent


@dataclass(frozen=True, slots=True)
class PowerOn:
    """Switch the machine of another node on, once; `announcement` is published when that was taken."""

    node: str
    reason: str
    announcement: WakeSent


@dataclass(frozen=True, slots=True)
class Tell:
    """An event for people."""

    happening: Happening
    node: str
    text: str


Action = Persist | Publish | Sleep | Wake | Burst | PowerOn | Tell
