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
    booted_ns: int | None = None
    """When the last boot was, on the clock of whoever counts, by the first heartbeat of it in this run."""
    heard_ns: int | None = None
    """When the last one arrived, on the same clock; None after a restart of whoever counts."""

    @property
    def total_ns(self) -> int:
        return self.earlier_ns + sum(boot.uptime_ns for boot in self.boots)

    def restored(self) -> Uptime:
        """After a restart of whoever counts: its own clock has begun anew."""
        return replace(self, booted_ns=None, heard_ns=None)

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
        booted_ns = now_ns - document.uptime_ns if self.booted_ns is None else self.booted_ns
        if document.uptime_ns > _at_most(now_ns - booted_ns):
            why = f"{document.node} has aged faster than the clock here by {LATE_NS // NS_PER_S} s"
            return Refusal(RefusedBecause.IMPLAUSIBLE, why)
        longer = msgspec.structs.replace(boot, uptime_ns=document.uptime_ns)
        return replace(self, boots=(*self.boots[:-1], longer), booted_ns=booted_ns, heard_ns=now_ns)

    def _new_boot(self, document: Heartbeat, now_ns: int) -> Uptime | Refusal:
        last = self.boots[-1] if self.boots else None
        if last is not None and document.start <= last.start:
            return Refusal(RefusedBecause.STALE, f"{document.node} tells of start {document.start} after {last.start}")
        heard_ns = None if last is None else self.heard_ns
        if heard_ns is not None and document.uptime_ns > _at_most(now_ns - heard_ns):
            why = f"{document.node} says it was up {document.uptime_ns // NS_PER_S} s in another boot already"
            return Refusal(RefusedBecause.IMPLAUSIBLE, why)
        fresh = Boot(document.boot, document.start, document.uptime_ns, document.uptime_ns)
        boots, earlier_ns = (*self.boots, fresh), self.earlier_ns
        if len(boots) > MAX_BOOTS:
            earlier_ns += boots[0].uptime_ns
            boots = boots[1:]
        return Uptime(boots, earlier_ns, now_ns - document.uptime_ns, now_ns)


def _same(boot: Boot, document: Heartbeat) -> bool:
    """The program may start again within a boot: the kernel's clock goes on, so that is the same stretch."""
    return boot.boot == document.boot if document.boot else boot.start == document.start


def _at_most(elapsed_ns: int) -> int:
    return elapsed_ns + int(elapsed_ns * DRIFT) + LATE_NS
