# SPDX-License-Identifier: Apache-2.0
"""The agent as a service: what it was handed at its start, and what it tells while it lives."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.service.descriptors import take_descriptors
from agent.service.event_records import EventRecords
from agent.service.heartbeat import Heartbeat, beat_s
from agent.service.journal import stderr_is_journal
from agent.service.line_store import LineStore
from agent.service.notifier import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from agent.events.bus import EventBus


class Service:
    """One run of the agent under a service manager, or without one: then nothing is told and nothing is handed over.

    Used on the thread of the loop.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Take what was handed over. Call once per process, before anything opens descriptors by number."""
        self.notifier = Notifier.from_environment(environment)
        self.lines = LineStore(self.notifier, take_descriptors(environment))
        self._beat_s = beat_s(environment)
        self._heartbeat: Heartbeat | None = None
        self._records: EventRecords | None = None

    def hear(self, bus: EventBus) -> None:
        """Log the board's events from now on, where the log can carry them."""
        if stderr_is_journal():
            self._records = EventRecords(bus)

    def began(self, nudge_engine: Callable[[], int], status: Callable[[], str]) -> None:
        """Everything answers, lines are adopted. `nudge_engine` wakes the engine's thread and counts its turns."""
        self.lines.let_unclaimed_go()
        self.notifier.ready(status())
        self._heartbeat = Heartbeat(self.notifier, self._beat_s, nudge_engine, status)
        self._heartbeat.start()

    def ends(self, restarting: bool) -> None:
        """The agent is about to close: for good, or to begin anew in the same process."""
        if self._heartbeat:
            self._heartbeat.stop()
        if restarting:
            self.notifier.reloading()
        else:
            self.notifier.stopping()

    def ended(self, restarting: bool) -> None:
        """The agent has closed."""
        if self._records:
            self._records.stop()
        if restarting:
            self.lines.let_all_go()
