# SPDX-License-Identifier: Apache-2.0
"""Whether somebody coordinates a domain, by the claims of its lead. For people: nothing is decided by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.fleet.budget.timing import BEAT_S
from agent.fleet.budget.topics import BASE, lead_lease
from agent.fleet.bus import SECOND_NS
from agent.fleet.claims import claims_topic, read_claim

if TYPE_CHECKING:
    from agent.fleet.bus import Message

PATTERN = claims_topic(BASE, "+")
BEFORE = claims_topic(BASE, lead_lease(""))
KEPT_NS = round((BEAT_S + 1) * SECOND_NS)
"""What the broker has kept is believed until the next claim should have come."""
MOST = 1_000
NS_PER_MS = 1_000_000


class Leads:
    """Deterministic; the caller gives monotonic time."""

    def __init__(self) -> None:
        self._until_ns: dict[str, int] = {}

    def receive(self, message: Message, now_ns: int) -> None:
        """Enter any message of the pattern; those of other topics are passed over unread."""
        domain = message.topic.removeprefix(BEFORE)
        if domain == message.topic or (domain not in self._until_ns and len(self._until_ns) >= MOST):
            return
        claim = read_claim(message.payload)
        if claim is None:
            return
        lasts_ns = claim.duration_ms * NS_PER_MS
        if message.retained:
            lasts_ns = min(lasts_ns, KEPT_NS)
        self._until_ns[domain] = now_ns + lasts_ns

    def led(self, domain: str, now_ns: int) -> bool | None:
        """None = no claim was ever heard: perhaps they may not be read here."""
        until_ns = self._until_ns.get(domain)
        return None if until_ns is None else now_ns < until_ns
