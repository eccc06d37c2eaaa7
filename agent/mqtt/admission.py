# SPDX-License-Identifier: Apache-2.0
"""Which commands may act at all: safety rule 19 as a pure decision over what arrived and two clocks."""

from __future__ import annotations

import enum
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.mqtt.commands import Stamp
    from agent.mqtt.message import Incoming

MAX_AGE_S = 30.0
"""A command older than this is not what anybody wants now; as far in the future means that clocks differ."""
QUIET_S = 1.0
"""After the subscription stands, what comes at once was waiting somewhere."""
REMEMBERED = 4096
"""Transactions that are known; the oldest is forgotten first."""


class Refused(enum.Enum):
    """Why a command was refused before the board was asked. The value is the verdict in the answer."""

    MALFORMED = "malformed"
    RETAINED = "retained"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    TOO_EARLY = "too-early"
    UNKNOWN_HOST = "unknown-host"
    UNKNOWN_METHOD = "unknown-method"
    FORBIDDEN = "forbidden"
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True)
class Refusal:
    verdict: Refused
    reason: str


class Admission:
    """Remembers what acted; the caller gives the time: monotonic seconds, and Unix seconds or None while unset."""

    def __init__(self) -> None:
        self._open_from_s: float | None = None
        self._seen: OrderedDict[tuple[str, str | int], None] = OrderedDict()

    def subscribed(self, now_s: float) -> None:
        """The broker has confirmed the subscriptions."""
        self._open_from_s = now_s + QUIET_S

    @property
    def open(self) -> bool:
        """Whether the broker has confirmed the subscriptions of this connection."""
        return self._open_from_s is not None

    def lost(self) -> None:
        """The link ended: until the next subscription stands, nothing is taken without proof of freshness."""
        self._open_from_s = None

    def judge(self, message: Incoming, stamp: Stamp, now_s: float, unix_s: float | None) -> Refusal | None:
        """None = it may act, once: its transaction counts as used from here on."""
        key = None if stamp.transaction is None else (message.topic, stamp.transaction)
        refusal = self._judge(message, stamp, key, now_s, unix_s)
        if refusal is None and key is not None:
            self._seen[key] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return refusal

    def _judge(
        self,
        message: Incoming,
        stamp: Stamp,
        key: tuple[str, str | int] | None,
        now_s: float,
        unix_s: float | None,
    ) -> Refusal | None:
        if message.retained:
            return Refusal(Refused.RETAINED, "a retained command never acts: publish it without the retain flag")
        if message.duplicate:
            return Refusal(Refused.DUPLICATE, "the message is marked as sent before (DUP)")
        if key is not None and key in self._seen:
            return Refusal(Refused.DUPLICATE, f"transaction {stamp.transaction!r} was taken before")
        if message.expiry_s is not None and message.expiry_s <= 0:
            return Refusal(Refused.EXPIRED, "the message has expired")
        fresh = message.expiry_s is not None
        if stamp.issued_at_s is not None and unix_s is not None:
            age_s = unix_s - stamp.issued_at_s
            if age_s > MAX_AGE_S:
                return Refusal(Refused.EXPIRED, f"issued_at is {age_s:.0f} s ago: at most {MAX_AGE_S:.0f} s")
            if age_s < -MAX_AGE_S:
                return Refusal(Refused.EXPIRED, f"issued_at is {-age_s:.0f} s in the future: the clocks differ")
            fresh = True
        if not fresh and (self._open_from_s is None or now_s < self._open_from_s):
            return Refusal(
                Refused.TOO_EARLY,
                "the board has just connected, so this may be old: send it again, or with issued_at or an expiry",
            )
        return None
