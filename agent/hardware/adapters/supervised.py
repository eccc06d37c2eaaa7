# SPDX-License-Identifier: Apache-2.0
"""One adapter under supervision: every call has an end, every fault is an AdapterError, nothing is stale."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from agent.hardware.adapters.interface import Ability, AdapterError, Level, Sense

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from agent.hardware.adapters.interface import PowerAdapter, Precondition

log = logging.getLogger(__name__)

SLACK_S = 0.5
"""What an adapter gets beyond its own deadline, to tell in its own words what went wrong."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
NOT_YET = "nothing was heard since start"


class SupervisedAdapter:
    """Used on the loop's thread. An adapter that hangs, even one that cannot be cancelled, holds up nobody else."""

    def __init__(self, place: str, adapter: PowerAdapter, timeout_s: float) -> None:
        self.place = place
        self.abilities = adapter.abilities
        self.reports = adapter.reports
        self.deadline_s = timeout_s + SLACK_S
        """Every call ends within this."""
        self.adapter = adapter
        self.sense = Sense(Level.UNKNOWN, f"{place}: {NOT_YET}")
        self.since_ns = time.monotonic_ns()
        """CLOCK_MONOTONIC when the level became what it is."""
        self._watchers: list[Callable[[Sense], None]] = []
        self._starting: asyncio.Task[None] | None = None
        self._overrun: set[asyncio.Task[None]] = set()
        self._closed = False

    def watch(self, told: Callable[[Sense], None]) -> None:
        """`told` is called with every new sense."""
        self._watchers.append(told)

    def start(self) -> None:
        """Bring the adapter up, again and again until it is."""
        self._starting = asyncio.create_task(self._start(), name=f"{self.place}-start")

    async def act(self, ability: Ability, when: Precondition) -> None:
        """As PowerAdapter.act, with the deadline enforced. Raises AdapterError and nothing else."""
        if ability not in self.abilities or ability is Ability.SENSE:
            raise AdapterError(f"{self.place}: it cannot do {ability.value!r}")
        if self._overrun:
            await asyncio.wait(self._overrun, timeout=SLACK_S)  # one that was cancelled a moment ago is no stuck one
        if self._overrun:
            raise AdapterError(f"{self.place}: still stuck in an earlier command; restart the agent")
        doubt = "whether the command was carried out is not known"
        await self._bounded(self.adapter.act(ability, when), f"{ability.value} did not end", doubt)

    async def close(self) -> None:
        """Let the adapter go; moves nothing and raises nothing."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starting
        try:
            await self._bounded(self.adapter.close(), "its end did not come", "it is left alone")
        except AdapterError as error:
            log.warning("%s", error)

    # ------------------------------------------------------------------ inside

    async def _start(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._bounded(self.adapter.start(self._tell), "its start did not end", "it is tried again")
            except AdapterError as error:
                log.warning("%s; tried again in %g s", error, wait_s)
                self._tell(Sense(Level.UNKNOWN, str(error)))
                await asyncio.sleep(wait_s)
                wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
            else:
                return

    def _tell(self, sense: Sense) -> None:
        if self._closed or sense == self.sense:
            return
        if sense.level is not self.sense.level:
            self.since_ns = time.monotonic_ns()
        self.sense = sense
        for told in self._watchers:
            try:
                told(sense)
            except Exception:  # the adapter that tells must not die of who listens: its sense would be stale
                log.exception("%s", self.place)

    async def _bounded(self, call: Coroutine[Any, Any, None], what: str, doubt: str) -> None:
        """Wait for a call of the adapter at most to its deadline. One that takes no cancellation is left behind."""
        task = asyncio.ensure_future(call)
        try:
            await asyncio.wait((task,), timeout=self.deadline_s)
        except asyncio.CancelledError:
            self._leave(task)
            raise
        if not task.done():
            self._leave(task)
            raise AdapterError(f"{self.place}: {what} within {self.deadline_s:g} s; {doubt}")
        if task.cancelled():
            raise AdapterError(f"{self.place}: {what}: it was cancelled; {doubt}")
        error = task.exception()
        if isinstance(error, AdapterError):
            raise error
        if error is not None:
            log.error("%s", self.place, exc_info=error)
            why = f"a fault of the adapter: {type(error).__name__}: {error}"
            raise AdapterError(f"{self.place}: {why}") from error

    def _leave(self, task: asyncio.Task[None]) -> None:
        self._overrun.add(task)
        task.add_done_callback(self._left)
        task.cancel()

    def _left(self, task: asyncio.Task[None]) -> None:
        self._overrun.discard(task)
        if not task.cancelled():
            task.exception()  # told as a deadline already
