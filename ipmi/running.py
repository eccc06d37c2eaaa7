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
REFUSAL_KEPT_S: Final = 2.0
"""A refused request did nothing, so trying it again is legitimate. A retry after a lost answer comes sooner."""
_MAY_HAVE_ACTED = (Completion.OK, Completion.TIMEOUT, Completion.UNSPECIFIED)


@dataclass(slots=True, eq=False)
class _Run:
    """One execution: who waits for its answer, and the answer once there is one."""

    started_at: float
    sequence: int
    """Session sequence number of the request that began it."""
    answer: bytes | None = None
    ended_at: float = 0.0
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
        self._accepted: dict[tuple[int, int, int], _Run] = {}
        """The last run of each guarded command of a session that was accepted."""

    def start(self, command: Command, request: Request, respond: Callable[[bytes], None], sequence: int = 0) -> None:
        """Run the command and give the body of its answer to `respond`; a repetition gets the first answer.

        `sequence` is the session sequence number of the request.
        """
        now = self._clock()
        key = (request.caller.session_id, request.netfn, request.command, request.data)
        if command.once:
            self._forget(now)
            first = self._remembered.get(key)
            if first is not None and self._is_retry(first, self._accepted.get(key[:3]), sequence, now):
                self._tally.repeated += 1
                self._join(first, command, respond)
                return
        if len(self._running) >= self._limit:
            respond(body(Completion.NODE_BUSY, command))
            return
        run = _Run(now, sequence, waiting=[respond])
        if command.once:
            self._remembered.pop(key, None)
            self._remembered[key] = run
        self._running.add(run)
        run.task = asyncio.get_running_loop().create_task(self._run(run, command, request, key), name=command.name)

    @staticmethod
    def _is_retry(first: _Run, accepted: _Run | None, sequence: int, now: float) -> bool:
        """Whether an identical request may be the retry of `first`, so that it must not act.

        It is a new one when another action of the same command was accepted since, and the client sent this packet
        after that one: no client goes back to a request of which it has given up the answer.
        """
        if first.answer is None:
            return True
        if first.answer[0] not in _MAY_HAVE_ACTED:
            return now - first.ended_at <= REFUSAL_KEPT_S
        overtaken = accepted is not None and accepted is not first and _is_after(accepted.sequence, first.sequence)
        return accepted is None or not overtaken or not _is_after(sequence, accepted.sequence)

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

    async def _run(self, run: _Run, command: Command, request: Request, key: tuple[int, int, int, bytes]) -> None:
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
            run.ended_at = self._clock()
            if command.once and answer[0] == Completion.OK:
                self._accepted.pop(key[:3], None)
                self._accepted[key[:3]] = run
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
        past = [kind for kind, run in self._accepted.items() if now - run.ended_at > REPEAT_WINDOW_S]
        for kind in past:
            del self._accepted[kind]


def _is_after(sequence: int, other: int) -> bool:
    """Whether a session sequence number comes after another, over the wrap of its 32 bits."""
    return 0 < (sequence - other) & 0xFFFFFFFF < 1 << 31
