# SPDX-License-Identifier: Apache-2.0
"""A node's heartbeat: when the next one is due, and the will that the broker holds meanwhile.

It depends on nothing but the clock: not on the disk, not on any health check.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from agent.fleet.node.documents import Gone, Heartbeat

NS_PER_S = 1_000_000_000
INTERVAL_NS = 60 * NS_PER_S
AGAIN_NS = 10 * NS_PER_S
"""The second heartbeat of a connection: who connects a moment later has only the first one's retained copy."""
JITTER = 0.1
"""Heartbeats come up to this share early, so that nodes that started together spread."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Sends heartbeats. `boot` is the kernel's boot id; `start` as in every report of this node."""

    node: str
    segment: str
    boot: str
    start: int
    interval_ns: int = INTERVAL_NS
    number: int = 0
    due_ns: int | None = None
    """None = at once."""
    again: bool = True
    """After the next one comes another one soon."""

    def step(self, now_ns: int, uptime_ns: int) -> tuple[Pulse, Heartbeat | None]:
        """`uptime_ns` is CLOCK_MONOTONIC of the node: it stands still while the machine is suspended."""
        if self.due_ns is not None and now_ns < self.due_ns:
            return self, None
        number = self.number + 1
        beat = Heartbeat(
            node=self.node,
            segment=self.segment,
            boot=self.boot,
            start=self.start,
            number=number,
            uptime_ns=uptime_ns,
            interval_ns=self.interval_ns,
        )
        longest_ns = min(AGAIN_NS, self.interval_ns) if self.again else self.interval_ns
        return replace(self, number=number, due_ns=now_ns + self._pause_ns(number, longest_ns), again=False), beat

    def failed(self, now_ns: int, retry_ns: int = 10 * NS_PER_S) -> Pulse:
        """The last one could not be handed over."""
        return replace(self, due_ns=now_ns + min(retry_ns, self.interval_ns))

    def hurried(self) -> Pulse:
        """The next one is due at once."""
        return replace(self, due_ns=None, again=True)

    def will(self) -> Gone:
        """What the broker says when this connection ends without a word; retained."""
        return Gone(node=self.node, segment=self.segment, boot=self.boot, start=self.start)

    def _pause_ns(self, number: int, longest_ns: int) -> int:
        digest = hashlib.sha256(f"{self.node}\n{self.boot}\n{number}".encode()).digest()
        share = int.from_bytes(digest[:4], "big") / 2**32
        return longest_ns - int(longest_ns * JITTER * share)
