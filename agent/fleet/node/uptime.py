# SPDX-License-Identifier: Apache-2.0
"""How long nodes were up, counted from their heartbeats; right to one heartbeat whatever crashes or jumps.

Only monotonic clocks count: that of the node since its boot, and that of whoever counts, to see what cannot be true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.node.refusal import Refusal, RefusedBecause

if TYPE_CHECKING:
    from agent.fleet.node.documents import Heartbeat

NS_PER_S = 1_000_000_000
LATE_NS = 300 * NS_PER_S
"""A message may be this late, so that uptime seems to have jumped."""
DRIFT = 0.001
"""How far the speeds of two clocks may differ."""
MAX_BOOTS = 64
"""Boots of a node that are kept one by one; older ones are kept as a sum."""


class Boot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One boot of a node, as far as its heartbeats tell."""

    boot: str
    start: int
    first_ns: int
    """The uptime in the first heartbeat that arrived."""
    uptime_ns: int
    """The largest so far."""


@dataclass(frozen=True, slots=True)
class Uptime:
    """One node. `earlier_ns` sums the boots that are not kept any more."""

    boots: tuple[Boot, ...] = ()
    earlier_ns: int = 0
    heard_ns: int | None = None
    """When the last one arrived, on this run's clock; None after a restart of whoever counts."""

    @property
    def total_ns(self) -> int:
        return self.earlier_ns + sum(boot.uptime_ns for boot in self.boots)

    def restored(self) -> Uptime:
        """After a restart of whoever counts: its own clock has begun anew."""
        return replace(self, heard_ns=None)

    def heartbeat(self, document: Heartbeat, now_ns: int) -> Uptime | Refusal:
        """Count a heartbeat. Late and repeated ones change nothing; what cannot be true is refused."""
        known = next((index for index, boot in enumerate(self.boots) if _same(boot, document)), None)
        if known is None:
            return self._new_boot(document, now_ns)
        boot = self.boots[known]
        if document.uptime_ns <= boot.uptime_ns:
            return self
        if known != len(self.boots) - 1:
            return Refusal(RefusedBecause.STALE, f"{document.node} goes on in a boot that is over")
        elapsed_ns = None if self.heard_ns is None else now_ns - self.heard_ns
        grown_ns = document.uptime_ns - boot.uptime_ns
        if elapsed_ns is not None and grown_ns > _at_most(elapsed_ns):
            why = f"{document.node} has aged {grown_ns // NS_PER_S} s in {elapsed_ns // NS_PER_S} s"
            return Refusal(RefusedBecause.IMPLAUSIBLE, why)
        longer = msgspec.structs.replace(boot, uptime_ns=document.uptime_ns)
        return replace(self, boots=(*self.boots[:-1], longer), heard_ns=now_ns)

    def _new_boot(self, document: Heartbeat, now_ns: int) -> Uptime | Refusal:
        last = self.boots[-1] if self.boots else None
        if last is not None and document.start <= last.start:
            return Refusal(RefusedBecause.STALE, f"{document.node} tells of start {document.start} after {last.start}")
        if last is not None and self.heard_ns is not None:
            elapsed_ns = now_ns - self.heard_ns
            if document.uptime_ns > _at_most(elapsed_ns):
                why = f"{document.node} says it was up {document.uptime_ns // NS_PER_S} s in another boot already"
                return Refusal(RefusedBecause.IMPLAUSIBLE, why)
        fresh = Boot(document.boot, document.start, document.uptime_ns, document.uptime_ns)
        boots, earlier_ns = (*self.boots, fresh), self.earlier_ns
        if len(boots) > MAX_BOOTS:
            earlier_ns += boots[0].uptime_ns
            boots = boots[1:]
        return Uptime(boots, earlier_ns, now_ns)


def _same(boot: Boot, document: Heartbeat) -> bool:
    """The program may start again within a boot: the kernel's clock goes on, so that is the same stretch."""
    return boot.boot == document.boot if document.boot else boot.start == document.start


def _at_most(elapsed_ns: int) -> int:
    return elapsed_ns + int(elapsed_ns * DRIFT) + LATE_NS
