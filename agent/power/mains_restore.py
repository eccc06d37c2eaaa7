# SPDX-License-Identifier: Apache-2.0
"""Which hosts are switched on after a mains loss, and when (safety rule 12). Pure: times and facts in, decisions out.

A host that goes off unasked was either shut down from within or lost its mains. Which of the two is known only when a
source of mains says so, before or soon after; until then nothing is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.power.restore import Restore

if TYPE_CHECKING:
    from collections.abc import Mapping

NS = 1_000_000_000
SETTLED_NS = 10 * NS
"""So long power-good must have been settled, and the mains back, before anything is pressed: firmware with a restore
policy of its own gets its turn."""
WHY_WINDOW_NS = 15 * NS
"""A supply tells the loss of its input within this time of the host's going off."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What must survive the board's own loss of power."""

    running: bool = False
    """The host was on, and nothing but a mains loss has ended that."""
    user_off: bool = False
    """The last explicit request was to be off; it wins over `previous`."""


@dataclass(frozen=True, slots=True)
class HostRecord:
    """One host."""

    remembered: Remembered = Remembered()
    off_since_ns: int | None = None
    """Power-good has been settled off since; None while it is on or not known."""
    known: bool = False
    lost_ns: int | None = None
    """It went off unasked then, and it is not yet known why."""
    pending: bool = False
    """The mains is back; whether to switch it on is not yet decided."""
    mains_failed: bool = False
    """The mains took it down, and nobody has asked for anything since."""


@dataclass(frozen=True, slots=True)
class SwitchOn:
    """Press now, by its precondition only if the host is off."""

    host: str
    policy: Restore


@dataclass(frozen=True, slots=True)
class MainsRestore:
    """All hosts of a board."""

    delay_ns: int
    hosts: Mapping[str, HostRecord] = field(default_factory=dict)
    outage: bool = False
    """A mains loss is believed and has not been dealt with."""
    mains: bool | None = None
    due_ns: int | None = None

    @property
    def deadline_ns(self) -> int | None:
        """When `expired` is due."""
        dues = [record.lost_ns + WHY_WINDOW_NS for record in self.hosts.values() if record.lost_ns is not None]
        if self.due_ns is not None:
            dues.append(self.due_ns)
        if any(record.pending for record in self.hosts.values()):
            dues += [
                record.off_since_ns + SETTLED_NS
                for record in self.hosts.values()
                if record.pending and record.off_since_ns is not None
            ]
        return min(dues, default=None)

    # ------------------------------------------------------------------ facts

    def started(self, outage: bool, now_ns: int) -> MainsRestore:
        """The agent starts; `outage` = an earlier run had seen the mains go, or an unclean boot counts as that."""
        return replace(self, outage=outage, due_ns=now_ns + self._wait_ns if outage else None)

    def mains_changed(self, present: bool, now_ns: int) -> MainsRestore:
        """A source of mains has settled at another state, or told its first."""
        if present is self.mains:
            return self
        if not present:
            hosts = {name: self._blame_mains(record) for name, record in self.hosts.items()}
            return replace(self, mains=False, outage=True, due_ns=None, hosts=hosts)
        due_ns = now_ns + self._wait_ns if self.outage else None
        return replace(self, mains=True, due_ns=due_ns)

    def came_on(self, name: str) -> MainsRestore:
        """Power-good settled on, or the host sleeps: whoever did it, it runs."""
        record = self.hosts[name]
        remembered = Remembered(running=True)
        return self._with(name, replace(record, remembered=remembered, off_since_ns=None, known=True, lost_ns=None))

    def seen_off(self, name: str, now_ns: int) -> MainsRestore:
        """Power-good is settled off; told before or after why."""
        record = self.hosts[name]
        if record.off_since_ns is not None:
            return self
        return self._with(name, replace(record, off_since_ns=now_ns, known=True))

    def unknown(self, name: str) -> MainsRestore:
        """Power-good cannot be told."""
        return self._with(name, replace(self.hosts[name], off_since_ns=None, known=False))

    def went_off(self, name: str) -> MainsRestore:
        """It went off because it was asked to."""
        record = self.hosts[name]
        return self._with(name, replace(record, remembered=replace(record.remembered, running=False), lost_ns=None))

    def power_lost(self, name: str, now_ns: int) -> MainsRestore:
        """It went off unasked."""
        record = replace(self.hosts[name], lost_ns=now_ns)
        return self._with(name, self._blame_mains(record) if self.outage else record)

    def asked(self, name: str, wants_off: bool) -> MainsRestore:
        """Somebody asked for a state, and it was accepted or was there already."""
        record = self.hosts[name]
        remembered = replace(record.remembered, user_off=wants_off)
        if not wants_off:
            return self._with(name, replace(record, remembered=remembered, mains_failed=False))
        return self._with(name, replace(record, remembered=remembered, mains_failed=False, pending=False))

    # ------------------------------------------------------------------ decisions

    def expired(self, policy: Restore, now_ns: int) -> tuple[MainsRestore, list[SwitchOn]]:
        """Time has passed: what was due is decided."""
        restore = self._forget(now_ns)
        if restore.due_ns is not None and restore.due_ns <= now_ns:
            hosts = {name: replace(record, pending=True) for name, record in restore.hosts.items()}
            restore = replace(restore, due_ns=None, outage=False, hosts=hosts)
        presses: list[SwitchOn] = []
        hosts = dict(restore.hosts)
        for name, record in restore.hosts.items():
            if not record.pending or not record.known:
                continue
            if record.off_since_ns is None:
                hosts[name] = replace(record, pending=False)  # it is on
            elif record.off_since_ns + SETTLED_NS <= now_ns:
                hosts[name] = replace(record, pending=False)
                if _wanted(policy, record.remembered):
                    presses.append(SwitchOn(name, policy))
        return replace(restore, hosts=hosts), presses

    def _forget(self, now_ns: int) -> MainsRestore:
        """No source of mains has explained these: they were shut down from within, or by a finger."""
        hosts = dict(self.hosts)
        for name, record in self.hosts.items():
            if record.lost_ns is not None and record.lost_ns + WHY_WINDOW_NS <= now_ns:
                hosts[name] = replace(record, remembered=replace(record.remembered, running=False), lost_ns=None)
        return replace(self, hosts=hosts)

    @property
    def _wait_ns(self) -> int:
        return max(SETTLED_NS, self.delay_ns)

    @staticmethod
    def _blame_mains(record: HostRecord) -> HostRecord:
        failed = record.mains_failed or record.lost_ns is not None
        return replace(record, lost_ns=None, mains_failed=failed, pending=False)

    def _with(self, name: str, record: HostRecord) -> MainsRestore:
        return replace(self, hosts={**self.hosts, name: record})


def _wanted(policy: Restore, remembered: Remembered) -> bool:
    if policy is Restore.PREVIOUS:
        return remembered.running and not remembered.user_off
    return policy is Restore.ON
