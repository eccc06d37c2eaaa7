# SPDX-License-Identifier: Apache-2.0
"""The node's side of a budget: what it may draw now. Pure: time and messages in, a cap and reports out.

All times are of the node's own monotonic clock in ns. A lease ends on that clock, whatever the coordinator does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from agent.fleet.budget.messages import Grant, Proof, Refusal, Report, Revision
from agent.fleet.bus import SECOND_NS

LEASE_NS = 30 * SECOND_NS
"""How long a burst lasts without a word from the coordinator."""
SETTLE_NS = 3 * SECOND_NS
"""How long it takes to set a cap and for the machine to keep it; a lease is given up so much earlier."""
TOLERANCE_W = 1.0
"""What is read back may be above what was set by a step of the hardware."""
PEAK_WINDOW_NS = 600 * SECOND_NS
PEAK_STEP_NS = 10 * SECOND_NS
IMPOSSIBLE = frozenset({Refusal.FUTURE, Refusal.ABOVE_PEAK})
"""Not late and not played back: two files differ, or it is forged."""


@dataclass(slots=True)
class NodeLease:
    """Falls back to `base_w` by itself. `session` must be random for each start."""

    node: str
    base_w: float
    peak_w: float
    session: int
    started_ns: int
    lease_ns: int = LEASE_NS
    settle_ns: int = SETTLE_NS
    refused: dict[Refusal, int] = field(default_factory=dict)
    impossible: tuple[Refusal, int] | None = None
    """The last lease that no coordinator with the numbers of this node would give, and when it came."""
    _revision: Revision = field(default_factory=Revision)
    _cap_w: float | None = None
    _until_ns: int = 0
    _sequence: int = 0
    _watts: float = 0.0
    _demand_w: float | None = None
    _efficiency: float | None = None
    _set_w: float | None = None
    """What was last asked of the hardware."""
    _unread_ns: int = 0
    """Since when it is not known what it keeps."""
    _read_w: float | None = None
    """What the hardware said since."""
    _peaks: deque[tuple[int, float]] = field(default_factory=deque)

    def accept(self, grant: Grant, now_ns: int) -> Refusal | None:
        """Take a lease, or say why not; what is refused changes nothing."""
        refusal = self._judge(grant, now_ns)
        if refusal is not None:
            self.refuse(refusal)
            if refusal in IMPOSSIBLE:
                self.impossible = refusal, now_ns
            return refusal
        self._revision = grant.revision
        if grant.cap_w is not None:
            if self._kept() and grant.cap_w != self._set_w:
                self._unread_ns = now_ns
            self._cap_w, self._until_ns = grant.cap_w, grant.until_ns
        return None

    def refuse(self, refusal: Refusal) -> None:
        """Count a message that was not believed."""
        self.refused[refusal] = self.refused.get(refusal, 0) + 1

    def cap_w(self, now_ns: int) -> float:
        """What the hardware is to keep now."""
        if self._cap_w is None or now_ns >= self._until_ns - self.settle_ns:
            return self.base_w
        return self._cap_w

    @property
    def revision(self) -> Revision:
        """Of the last grant that was taken."""
        return self._revision

    def left_ns(self, now_ns: int) -> int:
        """How long the lease still gives more or less than the base; 0 = there is none."""
        return 0 if self._cap_w is None else max(self._until_ns - self.settle_ns - now_ns, 0)

    def was_set(self, cap_w: float, now_ns: int) -> None:
        """The hardware was asked to keep so much; what it said before counts no more."""
        if cap_w != self._set_w:
            if self._kept():
                self._unread_ns = now_ns
            self._set_w, self._read_w = cap_w, None

    def was_read(self, cap_w: float | None) -> None:
        """What the hardware says it keeps; None = it cannot say."""
        self._read_w = cap_w

    def measured(
        self, watts: float, now_ns: int, demand_w: float | None = None, efficiency: float | None = None
    ) -> None:
        """A reading of the meter; the peak is kept for `PEAK_WINDOW_NS`."""
        self._watts, self._demand_w, self._efficiency = watts, demand_w, efficiency
        if self._peaks and now_ns - self._peaks[-1][0] < PEAK_STEP_NS:
            self._peaks[-1] = (self._peaks[-1][0], max(watts, self._peaks[-1][1]))
        else:
            self._peaks.append((now_ns, watts))
        while now_ns - self._peaks[0][0] > PEAK_WINDOW_NS:
            self._peaks.popleft()

    def proof(self, now_ns: int) -> Proof:
        """Of the cap that is due now. Only what was proven before may be pending: nothing is pending for ever."""
        if self._set_w == self.cap_w(now_ns) and self._read_w is not None:
            return Proof.PROVEN if self._kept() else Proof.UNPROVEN
        ended_ns = self._until_ns - self.settle_ns
        ended_ns = ended_ns if self._cap_w is not None and self._kept() and now_ns >= ended_ns else 0
        since_ns = max(self._unread_ns, self.started_ns, ended_ns)
        return Proof.PENDING if now_ns - since_ns < self.settle_ns else Proof.UNPROVEN

    def report(self, now_ns: int) -> Report:
        """To be sent each cycle, and at once after a cap was read back."""
        self._sequence += 1
        return Report(
            node=self.node,
            session=self.session,
            sequence=self._sequence,
            at_ns=now_ns,
            watts=self._watts,
            base_w=self.base_w,
            revision=self._revision,
            lease_w=self._cap_w if self._cap_w is not None and now_ns < self._until_ns else self.base_w,
            lease_left_ns=max(self._until_ns - now_ns, 0) if self._cap_w is not None else 0,
            proof=self.proof(now_ns),
            measured_peak_w=max((watts for _, watts in self._peaks), default=0.0),
            demand_w=self._demand_w,
            efficiency=self._efficiency,
        )

    def _kept(self) -> bool:
        return self._set_w is not None and self._read_w is not None and self._read_w <= self._set_w + TOLERANCE_W

    def _judge(self, grant: Grant, now_ns: int) -> Refusal | None:
        if grant.node != self.node:
            return Refusal.WRONG_NODE
        if grant.session != self.session:
            return Refusal.WRONG_SESSION
        if grant.revision <= self._revision:
            return Refusal.OLD_REVISION
        if grant.cap_w is not None and grant.until_ns > now_ns + self.lease_ns:
            return Refusal.FUTURE
        if grant.cap_w is not None and grant.cap_w > self.peak_w:
            return Refusal.ABOVE_PEAK
        return None
