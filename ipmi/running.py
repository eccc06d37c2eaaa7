# SPDX-License-Identifier: Apache-2.0
"""Slow commands: run as tasks with a deadline, and never twice for what may be a client's retry."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from ipmi.completion import Completion
from ipmi.dispatch import body, inner

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.config import ServerConfig
    from ipmi.counters import Tally
    from ipmi.dispatch import Command, SlowHandler
    from ipmi.request import Request

log = logging.getLogger(__name__)

REPEAT_WINDOW_S: Final = 20.0
"""FreeIPMI gives up after 20 s; until then a repetition in the same session may be a retry with a new rqSeq."""


@dataclass(slots=True, eq=False)
class _Run:
    """One execution: who waits for its answer, and the answer once there is one."""

    started_at: float
    answer: bytes | None = None
    overdue: bool = False
    waiting: list[Callable[[bytes], None]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class SlowCommands:
    """Runs coroutine handlers off the receive path; belongs to one asyncio loop.

    A handler that misses its deadline is answered with C3h and goes on: an action that has begun is not torn
    apart. Requests beyond the limit of running handlers are answered with C0h.
    """

    def __init__(self, config: ServerConfig, tally: Tally, clock: Callable[[], float]) -> None:
        self._deadline_s = config.deadline_s
        self._limit = config.max_running
        self._tally = tally
        self._clock = clock
        self._running: set[_Run] = set()
        self._remembered: dict[tuple[int, int, int, bytes], _Run] = {}

    def start(self, command: Command, request: Request, respond: Callable[[bytes], None]) -> None:
        """Run the command and give the body of its answer to `respond`; a repetition gets the first answer."""
        now = self._clock()
        key = (request.caller.session_id, request.netfn, request.command, request.data)
        if command.once:
            self._forget(now)
            first = self._remembered.get(key)
            if first is not None:
                self._tally.repeated += 1
                self._join(first, command, respond)
                return
        if len(self._running) >= self._limit:
            respond(body(Completion.NODE_BUSY, command))
            return
        run = _Run(now, waiting=[respond])
        if command.once:
            self._remembered[key] = run
        self._running.add(run)
        run.task = asyncio.get_running_loop().create_task(self._run(run, command, request), name=command.name)

    async def close(self) -> None:
        """Cancel what still runs and wait for it to end."""
        tasks = [run.task for run in self._running if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _join(self, run: _Run, command: Command, respond: Callable[[bytes], None]) -> None:
        if run.answer is not None:
            respond(run.answer)
        elif run.overdue:
            respond(body(Completion.TIMEOUT, command))
        else:
            run.waiting.append(respond)

    async def _run(self, run: _Run, command: Command, request: Request) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(self._deadline_s, self._overdue, run, command)
        answer = bytes((Completion.UNSPECIFIED,))
        try:
            handler = cast("SlowHandler", command.handler)
            answer = body(await handler(inner(request, command)), command)
        except Exception:
            self._tally.failures += 1
            log.exception("%s failed", command.name)
        finally:
            deadline.cancel()
            self._running.discard(run)
            run.answer = answer
            self._tell(run, answer)

    def _overdue(self, run: _Run, command: Command) -> None:
        self._tally.late += 1
        run.overdue = True
        log.warning("%s has not ended within %g s", command.name, self._deadline_s)
        self._tell(run, body(Completion.TIMEOUT, command))

    def _tell(self, run: _Run, answer: bytes) -> None:
        waiting, run.waiting = run.waiting, []
        for respond in waiting:
            respond(answer)

    def _forget(self, now: float) -> None:
        """Drop runs that are over and older than the window. They stand in order of their start."""
        old = []
        for key, run in self._remembered.items():
            if now - run.started_at <= REPEAT_WINDOW_S:
                break
            if run.answer is not None:
                old.append(key)
        for key in old:
            del self._remembered[key]
