# SPDX-License-Identifier: Apache-2.0
"""Requests that switch: a host, a domain, the chassis, everything at once. Long ones answer more than once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from agent.power.domain import DomainType
from agent.power.request import Action, Reply, Request, Verdict
from agent.requests import data
from agent.requests.endpoint import Answer, Endpoint, Failure, RequestFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from agent.power.emergencies import Emergencies
    from agent.power.manager import PowerManager
    from agent.power.operations import Operation, Operations

PROGRESS_S = 5.0
"""A long operation says at least this often that it is still running."""

Mode = Literal["soft", "force"]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class _Power(msgspec.Struct, forbid_unknown_fields=True):
    force: bool = False
    """Insist although power-good is unverified."""
    key: Key | None = None
    """A name of the caller's: asked again under the same one, it is the same operation."""


class _OfHost(_Power, forbid_unknown_fields=True):
    host: str | None = None


class _HostOff(_OfHost, forbid_unknown_fields=True):
    mode: Mode = "soft"


class _OfDomain(_Power, forbid_unknown_fields=True, kw_only=True):
    domain: str


class _Off(_Power, forbid_unknown_fields=True):
    mode: Mode = "soft"


class _Abort(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class _Emergency(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(max_length=200)] = "asked for"


OF_HOST = (data.Operation, data.HostAsItIs)
OF_DOMAINS = (data.Operation, data.DomainsAsTheyAre)
OF_CHASSIS = (*OF_DOMAINS, data.HostAsItIs)
"""A chassis of one host is that host."""

OFF: dict[str, Action] = {"soft": Action.SOFT_OFF, "force": Action.FORCE_OFF}
"""Off asks the operating system (safety rule 18); a forced cut must be asked for."""


class PowerRequests:
    """Used on the loop's thread."""

    def __init__(self, manager: PowerManager, emergencies: Emergencies, operations: Operations) -> None:
        self._manager = manager
        self._emergencies = emergencies
        self._operations = operations
        domains = manager.graph.domains.values()
        self._hosts = tuple(domain.name for domain in domains if domain.type is DomainType.HOST)

    def table(self) -> dict[str, Endpoint]:
        return {
            "hosts/power/on": Endpoint(True, _OfHost, self._host(lambda _: Action.ON), OF_HOST),
            "hosts/power/off": Endpoint(True, _HostOff, self._host(lambda given: OFF[given.mode]), OF_HOST),
            "hosts/power/cycle": Endpoint(True, _OfHost, self._host(lambda _: Action.CYCLE), OF_HOST),
            "hosts/reset": Endpoint(True, _OfHost, self._host(lambda _: Action.RESET), OF_HOST),
            "hosts/nmi": Endpoint(True, _OfHost, self._host(lambda _: Action.NMI), OF_HOST),
            "domains/power/on": Endpoint(True, _OfDomain, self._domain(Action.ON), OF_DOMAINS),
            "domains/power/off": Endpoint(True, _OfDomain, self._domain(Action.FORCE_OFF), OF_DOMAINS),
            "chassis/power/on": Endpoint(True, _Power, self._chassis_on, OF_CHASSIS),
            "chassis/power/off": Endpoint(True, _Off, self._chassis_off, OF_CHASSIS),
            "system/emergency/off": Endpoint(True, _Emergency, self._emergency_off, (data.Operation,)),
            "operations/abort": Endpoint(True, _Abort, self._abort),
        }

    def named(self, name: str | None) -> str:
        """A host, or the first. Raises RequestFailed."""
        wanted = next(iter(self._hosts), "") if name is None else name
        if wanted not in self._hosts:
            known = ", ".join(self._hosts) or "none"
            raise RequestFailed(Failure.UNKNOWN_HOST, f"this board has no host {name!r}; it has: {known}")
        return wanted

    # ------------------------------------------------------------------ one host, one domain

    def _host(self, action: Callable[[_HostOff], Action]) -> Callable[[_HostOff, str], AsyncIterator[Answer]]:
        async def serve(given: _HostOff, origin: str) -> AsyncIterator[Answer]:
            name, asked = self.named(given.host), action(given)
            async for answer in self._ask(asked.value, {name: asked}, given, origin):
                yield answer

        return serve

    def _domain(self, action: Action) -> Callable[[_OfDomain, str], AsyncIterator[Answer]]:
        async def serve(given: _OfDomain, origin: str) -> AsyncIterator[Answer]:
            rails = [
                domain.name for domain in self._manager.graph.domains.values() if domain.type is not DomainType.HOST
            ]
            if given.domain not in rails:
                known = ", ".join(rails) or "none"
                text = f"this board has no chassis or auxiliary domain {given.domain!r}; it has: {known}"
                raise RequestFailed(Failure.UNKNOWN_DOMAIN, text)
            async for answer in self._ask(action.value, {given.domain: action}, given, origin):
                yield answer

        return serve

    # ------------------------------------------------------------------ the chassis

    def _chassis_on(self, given: _Power, origin: str) -> AsyncIterator[Answer]:
        """In the order of the dependencies, then of the profile, staggered: no common inrush."""
        wants = dict.fromkeys(self._manager.graph.domains, Action.ON)
        return self._ask("chassis/power/on", wants, given, origin)

    def _chassis_off(self, given: _Off, origin: str) -> AsyncIterator[Answer]:
        """Hosts first, all at once, then what they needed."""
        wants = {
            name: OFF[given.mode] if domain.type is DomainType.HOST else Action.FORCE_OFF
            for name, domain in self._manager.graph.domains.items()
        }
        return self._ask("chassis/power/off", wants, given, origin)

    async def _emergency_off(self, given: _Emergency, origin: str) -> AsyncIterator[Answer]:
        self._some_domain()
        operation = self._emergencies.emergency_off(self._emergencies.everything(), origin, given.reason)
        async for answer in self._follow(operation):
            yield answer

    async def _abort(self, given: _Abort, origin: str) -> AsyncIterator[Answer]:
        if self._operations.get(given.id) is None:
            raise RequestFailed(Failure.UNKNOWN_OPERATION, f"no operation {given.id!r}: it may be too long ago")
        yield Answer.of(self._manager.abort(given.id, origin))

    # ------------------------------------------------------------------ answers

    def _some_domain(self) -> None:
        if not self._manager.graph.domains:
            raise RequestFailed(Failure.UNKNOWN_HOST, "this board has no hosts")

    async def _ask(self, what: str, wants: Mapping[str, Action], given: _Power, origin: str) -> AsyncIterator[Answer]:
        self._some_domain()
        request = Request(next(iter(wants.values())), origin, given.force)
        reply, outcome = self._manager.ask_many(what, wants, request, given.key or "")
        if outcome is None:
            states = {name: self._manager.state(name).value for name in wants}
            known: object = {"domains": states}
            if len(wants) == 1 and (name := next(iter(wants))) in self._hosts:
                known = {"host": name, "state": states[name]}
            yield Answer.of(reply, known)
            return
        operation = self._operations.of_target(self._manager.graph.domains[next(iter(wants))].source)
        assert operation is not None
        async for answer in self._follow(operation, reply):
            yield answer

    async def _follow(self, operation: str, reply: Reply = Reply(Verdict.ACCEPTED)) -> AsyncIterator[Answer]:  # noqa: B008 frozen
        """Accepted, then progress, then the result."""
        news: asyncio.Queue[Operation] = asyncio.Queue()
        unwatch = self._operations.watch(operation, news.put_nowait)
        try:
            begun = self._operations.get(operation)
            assert begun is not None
            yield Answer(True, reply.verdict.value, reply.reason, begun.document(), operation, final=False)
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
