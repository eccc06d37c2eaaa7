# SPDX-License-Identifier: Apache-2.0
"""What every node may be drawing now at most, so far as one coordinator can know; nothing is granted beyond it. Pure.

A node counts with the largest lease that it may still keep. One is over when the node has told, with its cap read back,
that it keeps a later one, or when it has surely ended on the node's own clock. Without any it counts with its base. It
counts with the most that it measured while its cap is not proven.

Why that is safe with any loss, delay and order: a lease ends at a time of the *node's* clock, taken from a report, so
its end is at the latest one lease after that report came in. And a node never goes back to a lower revision.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.lease import LEASE_NS
from agent.fleet.budget.messages import Grant, Proof, Refusal, Revision

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from agent.fleet.budget.messages import Report
    from agent.fleet.budget.tree import BudgetTree, Node

DRIFT = 0.01
"""No node's clock is slower than the coordinator's by more than this part."""
UNTIL_ANSWERED_NS = 2**63
"""What nothing but its agent lowers is not known by waiting."""
ROUNDING_W = 0.1
"""Caps are multiples of it, rounded down."""


def at_most_ns(node_ns: int) -> int:
    """How long a time on a node's clock may last on the coordinator's."""
    return round(node_ns * (1 + 2 * DRIFT))


@dataclass(slots=True)
class _Outstanding:
    revision: Revision
    cap_w: float
    until_ns: int


@dataclass(slots=True)
class _Session:
    """One start of a node's agent. `unproven` since its last report that proved anything."""

    sequence: int
    heard_ns: int
    unproven: bool = False
    settled: bool = False
    """It has told what became of its first cap; until then the one of its predecessor may be kept."""
    measured_peak_w: float = 0.0


SESSIONS = 8
"""So many starts of one node are remembered."""


@dataclass(slots=True)
class Account:
    """One node's. `report` is its last one, come in at `heard_ns`."""

    node: Node
    unknown_until_ns: int
    """So long another coordinator's lease may be in force, of any size."""
    lease_ns: int = LEASE_NS
    report: Report | None = None
    heard_ns: int = 0
    outstanding: list[_Outstanding] = field(default_factory=list)
    sessions: dict[int, _Session] = field(default_factory=dict)

    @property
    def base_w(self) -> float:
        """What it falls back to: its own word, if that is more."""
        return max(self.node.base_w, self.report.base_w) if self.report is not None else self.node.base_w

    @property
    def unproven(self) -> bool:
        """Its cap may not be in force."""
        report = self.report
        return report is not None and self.sessions[report.session].unproven

    def leased_w(self, now_ns: int, ends: bool) -> float:
        """The most that it may keep by the leases that were entered here.

        `ends`: a lease that is over is kept by nothing. Else the last cap may outlive its agent, whose late reports
        still come: it counts until a later lease is told to be kept in its place.
        """
        leased_w = self.base_w
        if self.outstanding:
            if ends and any(now_ns >= one.until_ns for one in self.outstanding):
                self.outstanding = [one for one in self.outstanding if now_ns < one.until_ns]
            for one in self.outstanding:
                leased_w = max(leased_w, one.cap_w)
        return leased_w

    def counted_w(self, now_ns: int, leased_w: float, lost: bool) -> float:
        """What it may be drawing at most. `lost`: nobody knows whether anything holds it."""
        counted_w = leased_w
        if lost or self._settles or now_ns < self.unknown_until_ns:
            counted_w = max(counted_w, self.node.peak_w)
        for number, session in self.sessions.items():
            if session.unproven and (self._is_last(number) or now_ns < session.heard_ns + at_most_ns(self.lease_ns)):
                counted_w = max(counted_w, session.measured_peak_w)
        return counted_w

    def hear(self, report: Report, now_ns: int) -> None:
        session = self.sessions.pop(report.session, None) or _Session(0, 0)
        session.sequence, session.heard_ns = report.sequence, now_ns
        session.measured_peak_w = report.measured_peak_w
        if report.proof is not Proof.PENDING:
            session.settled, session.unproven = True, report.proof is Proof.UNPROVEN
        while len(self.sessions) >= SESSIONS:
            del self.sessions[next(iter(self.sessions))]
        self.sessions[report.session] = session
        self.report, self.heard_ns = report, now_ns
        if report.proof is Proof.PROVEN:
            self._replace(report, now_ns)

    def _replace(self, report: Report, now_ns: int) -> None:
        """What the node keeps by its word, in place of all up to that revision, whichever start of its agent had them.

        A report may be late: a lease that this ledger entered ends no later than it was entered with.
        """
        told = [one for one in self.outstanding if one.revision <= report.revision]
        self.outstanding = [one for one in self.outstanding if one not in told]
        until_ns = now_ns + at_most_ns(report.lease_left_ns)
        if now_ns >= self.unknown_until_ns:
            until_ns = min(until_ns, max((one.until_ns for one in told), default=now_ns))
        if report.lease_left_ns and (until_ns > now_ns or not self.node.falls_back):
            self.outstanding.append(_Outstanding(report.revision, report.lease_w, until_ns))

    @property
    def _settles(self) -> bool:
        """What it kept while it was away may be in force still."""
        report = self.report
        return not self.node.falls_back and report is not None and not self.sessions[report.session].settled

    def _is_last(self, session: int) -> bool:
        return self.report is not None and self.report.session == session


@dataclass(slots=True)
class Ledger:
    """Of the coordinator that leads since `since_ns` with `term`; a new one for each term.

    `silent_ns`: a node that was not heard for so long is silent. Times are of the coordinator's monotonic clock.
    """

    tree: BudgetTree
    term: int
    since_ns: int
    silent_ns: int
    lease_ns: int = LEASE_NS
    """How long a lease lasts; the nodes must use the same."""
    leaving: Container[str] = frozenset()
    """Nodes that said that they go down: what they were leased counts until it ends, and then their base."""
    refused: dict[Refusal, int] = field(default_factory=dict)
    accounts: dict[str, Account] = field(init=False)
    _number: int = 0
    _sums_w: dict[str, float] = field(init=False)
    _counted_w: dict[str, float] = field(init=False)
    _leased_w: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        ended_ns = self.since_ns + at_most_ns(self.lease_ns)
        self.accounts = {
            name: Account(node, ended_ns if node.falls_back else UNTIL_ANSWERED_NS, self.lease_ns)
            for name, node in self.tree.nodes.items()
        }
        self._sums_w, self._counted_w, self._leased_w = {}, {}, {}
        self.count(self.since_ns)

    def hear(self, report: Report, now_ns: int) -> Refusal | None:
        """Enter a report, or say why it is not believed; what is refused changes nothing."""
        refusal = self._judge(report)
        if refusal is not None:
            self.refuse(refusal)
            return refusal
        account = self.accounts[report.node]
        account.hear(report, now_ns)
        if report.revision.term == self.term and report.proof is Proof.PROVEN:
            account.unknown_until_ns = min(account.unknown_until_ns, now_ns)
        return None

    def refuse(self, refusal: Refusal) -> None:
        """Count a message that was not believed."""
        self.refused[refusal] = self.refused.get(refusal, 0) + 1

    def silent(self, name: str, now_ns: int) -> bool:
        account = self.accounts[name]
        return account.report is None or now_ns - account.heard_ns > self.silent_ns

    def lost(self, name: str, now_ns: int) -> bool:
        """It is silent without a word, and nothing but its agent lowers its cap."""
        return self.silent(name, now_ns) and not self.accounts[name].node.falls_back and name not in self.leaving

    def are_off(self, names: Iterable[str]) -> None:
        """No lease can be in force there, whoever gave it."""
        for name in names:
            self.accounts[name].unknown_until_ns = self.since_ns
            self.accounts[name].outstanding.clear()

    def known(self, name: str, now_ns: int) -> bool:
        """False while another coordinator's lease may be in force there."""
        return now_ns >= self.accounts[name].unknown_until_ns

    def count(self, now_ns: int) -> None:
        """Add up anew what may be drawn; to be called at the start of each cycle, and before sums are looked at."""
        sums_w = dict.fromkeys(self.tree.groups, 0.0)
        for name, account in self.accounts.items():
            leased_w = self._leased_w[name] = account.leased_w(now_ns, account.node.falls_back or name in self.leaving)
            counted_w = account.counted_w(now_ns, leased_w, self.lost(name, now_ns))
            self._counted_w[name] = counted_w
            sums_w[account.node.path[0]] += counted_w
        for name, group in self.tree.groups.items():
            if group.parent is not None:
                sums_w[group.parent] += sums_w[name]
        self._sums_w = sums_w

    def counted_w(self, name: str) -> float:
        """Of a node, as of the last `count` and what was granted since."""
        return self._counted_w[name]

    def sum_w(self, group: str) -> float:
        """Of a group, as of the last `count` and what was granted since."""
        return self._sums_w[group]

    def room_w(self, name: str, limits_w: dict[str, float]) -> float:
        """The most that the node may be granted now: what the others leave in each group around it, or what it has.

        In a group over its limit what a node *counts* with is no room: a cap that is not proven counts with a peak of
        long ago, and a lease of that would make it true.
        """
        free_w = min(limits_w[group] - self._sums_w[group] for group in self.accounts[name].node.path)
        return max(self._counted_w[name] + free_w, self._leased_w[name])

    @property
    def last(self) -> Revision:
        """The highest that was given."""
        return Revision(self.term, self._number)

    def fence(self, name: str) -> Grant | None:
        """Tell a node that this coordinator leads, without a change of its lease. None if it was never heard."""
        report = self.accounts[name].report
        if report is None:
            return None
        return Grant(
            node=name, session=report.session, revision=self._next(), cap_w=None, until_ns=report.at_ns + self.lease_ns
        )

    def grant(self, name: str, cap_w: float, limits_w: dict[str, float], now_ns: int) -> Grant | None:
        """A lease of `cap_w` or of what there is room for; None while the node is silent or not known.

        Enters it: from here on the node counts with it.
        """
        account = self.accounts[name]
        report = account.report
        if report is None or self.silent(name, now_ns) or not self.known(name, now_ns):
            return None
        allowed_w = min(cap_w, self.room_w(name, limits_w), account.node.peak_w)
        if allowed_w < account.node.peak_w:
            allowed_w = max(_rounded(allowed_w), min(allowed_w, account.node.base_w), account.node.least_w)
        revision = self._next()
        until_ns = account.heard_ns + at_most_ns(self.lease_ns)
        account.outstanding.append(_Outstanding(revision, allowed_w, until_ns))
        self._leased_w[name] = max(self._leased_w[name], allowed_w)
        more_w = max(allowed_w - self._counted_w[name], 0.0)
        self._counted_w[name] += more_w
        for group in account.node.path:
            self._sums_w[group] += more_w
        return Grant(
            node=name, session=report.session, revision=revision, cap_w=allowed_w, until_ns=report.at_ns + self.lease_ns
        )

    def _next(self) -> Revision:
        self._number += 1
        return Revision(self.term, self._number)

    def _judge(self, report: Report) -> Refusal | None:
        account = self.accounts.get(report.node)
        if account is None:
            return Refusal.UNKNOWN_NODE
        session = account.sessions.get(report.session)
        if session is not None and report.sequence <= session.sequence:
            return Refusal.OLD_REPORT
        if max(report.lease_w, report.base_w) > account.node.peak_w or report.lease_left_ns > self.lease_ns:
            return Refusal.ABOVE_PEAK if report.lease_left_ns <= self.lease_ns else Refusal.FUTURE
        return None


def _rounded(watts: float) -> float:
    """Down, so that sums stay below their limits."""
    return int(watts / ROUNDING_W + 1e-9) * ROUNDING_W
