# SPDX-License-Identifier: Apache-2.0
"""Requests that switch: one host, all hosts of the chassis, everything at once. Long ones answer more than once."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Literal

import msgspec

from agent.power.request import Action, Reply, Request, Verdict
from agent.requests.endpoint import Answer, Endpoint, Failure, NoArguments, RequestFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from agent.power.host import Host
    from agent.power.operations import Operation, Operations

log = logging.getLogger(__name__)

PROGRESS_S = 5.0
"""A long operation says at least this often that it is still running."""
EMERGENCY_S = 60.0
"""A host in the middle of another action is asked again for so long."""
EMERGENCY_RETRY_S = 0.1

Mode = Literal["soft", "force"]


class _HostArguments(msgspec.Struct, forbid_unknown_fields=True):
    host: str | None = None
    force: bool = False
    """Insist although power-good is unverified."""


class _HostOff(_HostArguments, forbid_unknown_fields=True):
    mode: Mode = "soft"


class _All(msgspec.Struct, forbid_unknown_fields=True):
    force: bool = False


class _AllOff(_All, forbid_unknown_fields=True):
    mode: Mode = "soft"


OFF: dict[str, Action] = {"soft": Action.SOFT_OFF, "force": Action.FORCE_OFF}
"""Off asks the operating system (safety rule 18); a forced cut must be asked for."""


class PowerRequests:
    """Used on the loop's thread."""

    def __init__(self, hosts: Mapping[str, Host], operations: Operations) -> None:
        self._hosts = hosts
        self._operations = operations
        self._together_task: tuple[str, asyncio.Task[None]] | None = None
        """What all hosts are doing together, and its task."""

    def table(self) -> dict[str, Endpoint]:
        return {
            "hosts/power/on": Endpoint(True, _HostArguments, self._host(lambda _: Action.ON)),
            "hosts/power/off": Endpoint(True, _HostOff, self._host(lambda given: OFF[given.mode])),
            "hosts/power/cycle": Endpoint(True, _HostArguments, self._host(lambda _: Action.CYCLE)),
            "hosts/reset": Endpoint(True, _HostArguments, self._host(lambda _: Action.RESET)),
            "hosts/nmi": Endpoint(True, _HostArguments, self._host(lambda _: Action.NMI)),
            "chassis/power/on": Endpoint(True, _All, self._chassis_on),
            "chassis/power/off": Endpoint(True, _AllOff, self._chassis_off),
            "system/emergency/off": Endpoint(True, NoArguments, self._emergency_off),
        }

    def named(self, name: str | None) -> Host:
        """A host, or the first. Raises RequestFailed."""
        host = self._hosts.get(next(iter(self._hosts), "") if name is None else name)
        if host is None:
            known = ", ".join(self._hosts) or "none"
            raise RequestFailed(Failure.UNKNOWN_HOST, f"this board has no host {name!r}; it has: {known}")
        return host

    async def close(self) -> None:
        """Stop waiting; what the hosts have begun goes on."""
        await self._give_way()

    # ------------------------------------------------------------------ one host

    def _host(self, action: Callable[[_HostOff], Action]) -> Callable[[_HostOff, str], AsyncIterator[Answer]]:
        async def serve(given: _HostOff, origin: str) -> AsyncIterator[Answer]:
            host = self.named(given.host)
            reply, outcome = host.ask(Request(action(given), origin, given.force))
            if outcome is None:
                yield Answer.of(reply, {"host": host.name, "state": host.view().state.value})
                return
            operation = self._operations.of_target(host.source)
            assert operation is not None
            async for answer in self._follow(operation):
                yield answer

        return serve

    async def _follow(self, operation: str) -> AsyncIterator[Answer]:
        """Accepted, then progress, then the result."""
        news: asyncio.Queue[Operation] = asyncio.Queue()
        unwatch = self._operations.watch(operation, news.put_nowait)
        try:
            begun = self._operations.get(operation)
            assert begun is not None
            yield Answer(True, Verdict.ACCEPTED.value, data=begun.document(), operation=operation, final=False)
            latest = begun
            while latest.result is None:
                try:
                    async with asyncio.timeout(PROGRESS_S):
                        latest = await news.get()
                except TimeoutError:
                    latest = self._operations.get(operation) or latest
                if latest.result is None:
                    yield Answer(True, "running", data=latest.document(), operation=operation, final=False)
            yield Answer.of(latest.result, latest.document(), operation)
        finally:
            unwatch()

    # ------------------------------------------------------------------ all hosts

    def _chassis_on(self, given: _All, origin: str) -> AsyncIterator[Answer]:
        async def one_after_another(tell: Callable[[Host, Reply], None]) -> None:
            """In the order of the profile, each when the one before it has settled: no common inrush."""
            for host in self._hosts.values():
                tell(host, await host.run(Request(Action.ON, origin, given.force)))

        return self._together("chassis/power/on", origin, one_after_another)

    def _chassis_off(self, given: _AllOff, origin: str) -> AsyncIterator[Answer]:
        async def at_once(tell: Callable[[Host, Reply], None]) -> None:
            async def off(host: Host) -> None:
                tell(host, await host.run(Request(OFF[given.mode], origin, given.force)))

            await asyncio.gather(*(off(host) for host in self._hosts.values()))

        return self._together("chassis/power/off", origin, at_once)

    def _end_together(self, operation: str, reply: Reply) -> None:
        self._together_task = None
        self._operations.finish(operation, reply)

    async def _give_way(self) -> None:
        """End what all hosts do together: a switching-on that goes on would undo an emergency."""
        if self._together_task is not None:
            _, task = self._together_task
            self._together_task = None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _emergency_off(self, given: NoArguments, origin: str) -> AsyncIterator[Answer]:
        async def at_once(tell: Callable[[Host, Reply], None]) -> None:
            async def off(host: Host) -> None:
                tell(host, await self._force_off(host, origin))

            await asyncio.gather(*(off(host) for host in self._hosts.values()))

        await self._give_way()
        async for answer in self._together("system/emergency/off", origin, at_once):
            yield answer

    async def _force_off(self, host: Host, origin: str) -> Reply:
        """Force off, as soon as whatever the host is doing lets it: an on-press must not win over an emergency."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + EMERGENCY_S
        while True:
            reply = await host.run(Request(Action.FORCE_OFF, origin, force=True))
            if reply.verdict is not Verdict.BUSY or loop.time() >= until_s:
                return reply
            await asyncio.sleep(EMERGENCY_RETRY_S)

    async def _together(
        self, what: str, origin: str, act: Callable[[Callable[[Host, Reply], None]], Awaitable[None]]
    ) -> AsyncIterator[Answer]:
        if not self._hosts:
            raise RequestFailed(Failure.UNKNOWN_HOST, "this board has no hosts")
        if self._together_task is not None:
            yield Answer.of(Reply(Verdict.BUSY, f"{self._together_task[0]} is still running"))
            return
        operation = self._operations.begin(what, tuple(host.source for host in self._hosts.values()), origin)
        replies: dict[str, Reply] = {}

        def tell(host: Host, reply: Reply) -> None:
            replies[host.name] = reply
            why = f": {reply.reason}" if reply.reason else ""
            self._operations.step(operation, f"host {host.name}: {reply.verdict.value}{why}")

        async def run() -> None:
            try:
                await act(tell)
            except asyncio.CancelledError:
                self._operations.finish(operation, Reply(Verdict.FAILED, "ended before its time"))
                raise
            except Exception as error:
                log.exception("%s", what)
                self._end_together(operation, Reply(Verdict.FAILED, f"{type(error).__name__}: {error}"))
            else:
                self._end_together(operation, _summed_up(replies))

        # A task of its own: the operation goes on when nobody waits for its answers any more.
        self._together_task = (what, asyncio.create_task(run(), name=what))
        async for answer in self._follow(operation):
            yield answer


def _summed_up(replies: Mapping[str, Reply]) -> Reply:
    bad = [f"host {name}: {r.verdict.value} {r.reason}".strip() for name, r in replies.items() if not r.verdict.good]
    return Reply(Verdict.FAILED, "; ".join(bad)) if bad else Reply(Verdict.DONE)
