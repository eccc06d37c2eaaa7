# SPDX-License-Identifier: Apache-2.0
"""The request interface of the power machine: one vocabulary for every face (safety rule 18)."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Action(enum.Enum):
    """What a host can be asked to do. The value is the plain word that faces accept."""

    ON = "on"
    SOFT_OFF = "soft-off"
    FORCE_OFF = "force-off"
    RESET = "reset"
    CYCLE = "cycle"
    NMI = "nmi"


class HostState(enum.Enum):
    """True state of a host, by what power-good says and what was asked of it."""

    UNKNOWN = "unknown"
    OFF = "off"
    POWERING_ON = "powering-on"
    ON = "on"
    SLEEPING = "sleeping"
    POWERING_OFF = "powering-off"
    CYCLING = "cycling"
    FAULT = "fault"


class Verdict(enum.Enum):
    """How a request was received, or how it ended."""

    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    BUSY = "busy"
    NOT_IN_THIS_STATE = "not-in-this-state"
    UNVERIFIED = "unverified"
    NOT_WIRED = "not-wired"
    NOT_ARMED = "not-armed"
    BLOCKED = "blocked"
    ABORTED = "aborted"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self is not Verdict.ACCEPTED

    @property
    def good(self) -> bool:
        return self in (Verdict.ACCEPTED, Verdict.DONE)


@dataclass(frozen=True, slots=True)
class Reply:
    """A verdict with the reason that a person reads."""

    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks a host to act. `origin` names who: `ipmi:admin@127.0.0.1`, `mqtt`, `local:root`.

    `force` lets an operator insist although the power-good sense is unverified (safety rule 5).
    """

    action: Action
    origin: str
    force: bool = False
