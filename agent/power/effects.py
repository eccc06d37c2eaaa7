# SPDX-License-Identifier: Apache-2.0
"""What a host's machine asks for, and what it hears of it: presses, events, results."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.events.event import EventKind
    from agent.power.request import Reply


class PowerGood(enum.Enum):
    """Settled power-good as the machine sees it; blinking is a sleeping host (safety rule 8)."""

    OFF = "off"
    ON = "on"
    SLEEPING = "sleeping"


class Button(enum.Enum):
    POWER = "power"
    RESET = "reset"
    NMI = "nmi"


class PressResult(enum.Enum):
    """How a press ended: at its width or condition, at its limit, or not at all."""

    COMPLETED = "completed"
    LIMIT_REACHED = "limit-reached"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Press:
    """Assert a button for `width_ms`, only if power-good is `when` and has been for `stable_ms`."""

    button: Button
    width_ms: int
    when: PowerGood
    stable_ms: int


@dataclass(frozen=True, slots=True)
class HoldUntilOff:
    """Hold the power button until power-good has settled off, at most `at_most_ms`; only if it is `when`."""

    at_most_ms: int
    when: PowerGood
    stable_ms: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Emit an event of this kind about the host, with further arguments."""

    kind: EventKind
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """The running operation ended with this reply."""

    reply: Reply


Effect = Press | HoldUntilOff | Tell | Finish
