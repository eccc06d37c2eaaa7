# SPDX-License-Identifier: Apache-2.0
"""The methods of the local socket: one table, each entry says whether it acts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from agent.board import armed
from agent.board.line_documents import input_documents
from agent.board.line_events import sequence_event
from agent.board.options import effective
from agent.board.wiring_document import wiring_document
from agent.control.server import Entry, RequestError, may_not_act
from agent.events.catalog import CATALOG
from agent.events.event import EventKind
from agent.events.redfish_log import render
from agent.power.request import Action, Request
from agent.sim.things import UnknownThing
from agent.store.user_request import UserRequest, listed, resolve
from agent.store.users import UserRefusal, UsersError
from native import LineError, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from agent.board.board import Board
    from agent.control.server import Peer
    from agent.sim.world import SimulatedWorld

T = TypeVar("T", bound=msgspec.Struct)
MAX_LATEST = 1000


class _Power(msgspec.Struct, forbid_unknown_fields=True):
    action: Action
    host: str | None = None
    force: bool = False


class _Events(msgspec.Struct, forbid_unknown_fields=True):
    latest: int = 20
    follow: bool = False


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class _Call(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    given: dict[str, Any] = {}


class _Sim(msgspec.Struct, forbid_unknown_fields=True):
    words: list[str]


class BoardMethods:
    """Implements agent.control.server.Methods for one board."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def may_act(self, peer: Peer) -> bool:
        return peer.uid in (0, os.getuid()) or peer.name in self._board.options.site.local.operators

    def table(self) -> Mapping[str, Entry]:
        return {
            "status": Entry(acts=False, serve=self._status),
            "config": Entry(acts=False, serve=self._config),
            "log": Entry(acts=False, serve=self._log),
            "events": Entry(acts=False, stream=self._events),
            "power": Entry(acts=True, serve=self._power),
            "redundancy": Entry(acts=True, serve=self._redundancy),
            "call": Entry(acts=False, stream=self._call),
            "sequence": Entry(acts=True, serve=self._sequence),
            "reset-interlock": Entry(acts=True, serve=self._reset_interlock),
            "reset-statistics": Entry(acts=True, serve=self._reset_statistics),
            "users": Entry(acts=False, serve=self._users),
            "user": Entry(acts=True, serve=self._user),
            "inputs": Entry(acts=False, serve=self._inputs),
            "wiring": Entry(acts=False, serve=self._wiring),
            "arm": Entry(acts=True, serve=self._arm),
            "sim": Entry(acts=True, serve=self._sim),
            "sim-outputs": Entry(acts=False, serve=self._sim_outputs),
        }

    async def _status(self, args: Mapping[str, Any], peer: Peer) -> object:
        board = self._board
        return {
            "documents": board.documents.all(),
            "telemetry": board.documents.telemetry(),
            "ipmi": {
                "listen": [f"{host}:{port}" for bound in board.ipmi.bound.values() for host, port in bound],
                "hosts": {name: [f"{host}:{port}" for host, port in bound] for name, bound in board.ipmi.bound.items()},
                "counters": board.ipmi.counters(),
            },
            "mqtt": msgspec.to_builtins(board.mqtt.status()) if board.mqtt else {"text": "off (give mqtt.url)"},
            "lines": board.documents.lines(),
        }

    async def _config(self, args: Mapping[str, Any], peer: Peer) -> object:
        return [
            {"key": setting.key, "value": setting.value, "origin": setting.origin.value}
            for setting in effective(self._board.options, self._board.settings)
        ]

    async def _events(self, args: Mapping[str, Any], peer: Peer) -> AsyncIterator[object]:
        wanted = _typed(args, _Events)
        subscription = self._board.bus.subscribe(f"local:{peer.name}")
        try:
            await self._board.bus.drain()
            last = ""
            for event in await self._board.journal.latest(max(0, min(wanted.latest, MAX_LATEST))):
                last = str(event["id"])
                yield event
            while wanted.follow:
                told = await subscription.get()
                if told.id > last:
                    yield told.payload()
        finally:
            subscription.close()

    async def _log(self, args: Mapping[str, Any], peer: Peer) -> object:
        """The event log as a Redfish service gives it."""
        wanted = _typed(args, _Events)
        await self._board.bus.drain()
        return [render(entry) for entry in await self._board.event_log.latest(max(0, min(wanted.latest, MAX_LATEST)))]

    async def _power(self, args: Mapping[str, Any], peer: Peer) -> object:
        wanted = _typed(args, _Power)
        hosts = self._board.services.hosts
        name = wanted.host if wanted.host is not None else next(iter(hosts), None)
        if name is None or name not in hosts:
            raise RequestError(f"this board has no host {name!r}; it has: {', '.join(hosts) or 'none'}")
        reply = await self._board.services.manager.run(name, Request(wanted.action, peer.origin, wanted.force))
        return {
            "host": name,
            "verdict": reply.verdict.value,
            "good": reply.verdict.good,
            "reason": reply.reason,
            "state": hosts[name].view().state.value,
        }

    async def _redundancy(self, args: Mapping[str, Any], peer: Peer) -> object:
        reply = await self._board.commands.configure_redundancy(args, peer.origin)
        return {"verdict": reply.verdict.value, "good": reply.verdict.good, "reason": reply.reason}

    async def _call(self, args: Mapping[str, Any], peer: Peer) -> AsyncIterator[object]:
        """Any method that MQTT serves as well, under the same name and with the same answers."""
        wanted = _typed(args, _Call)
        endpoint = self._board.endpoints.get(wanted.name)
        if endpoint is None:
            raise RequestError(f"no method {wanted.name!r}; there are: {', '.join(sorted(self._board.endpoints))}")
        if endpoint.acts and not self.may_act(peer):
            raise RequestError(may_not_act(peer))
        async for answer in endpoint.answers(wanted.given, peer.origin):
            yield answer

    async def _sequence(self, args: Mapping[str, Any], peer: Peer) -> object:
        wanted = _typed(args, _Named)
        sequences = self._board.services.sequences
        if wanted.name not in sequences.names:
            known = ", ".join(sequences.names) or "none"
            raise RequestError(f"this board runs no sequence {wanted.name!r}; it runs: {known}")
        try:
            done = await sequences.run(wanted.name)
        except LineError as error:
            raise RequestError(str(error)) from error
        kind, _, words = sequence_event(done)
        return {"good": done.outcome is Outcome.COMPLETED, "text": CATALOG[kind].text.format(*words)}

    async def _reset_interlock(self, args: Mapping[str, Any], peer: Peer) -> object:
        name = _typed(args, _Named).name
        interlocks = self._board.services.interlocks
        try:
            found = interlocks.reset(name)
        except LineError as error:
            raise RequestError(str(error)) from error
        if not found:
            known = ", ".join(interlocks.states) or "none"
            raise RequestError(f"this board has no interlock {name!r}; it has: {known}")
        self._board.bus.emit(EventKind.INTERLOCK_RESET, f"interlock/{name}", name, peer.origin)
        return {"text": f"interlock {name}: its lines are free and it may act anew"}

    async def _reset_statistics(self, args: Mapping[str, Any], peer: Peer) -> object:
        self._board.lines.engine.reset_statistics()
        return {"text": "the line engine's statistics begin anew"}

    async def _users(self, args: Mapping[str, Any], peer: Peer) -> object:
        return [listed(user) for user in self._board.users.all()]

    async def _user(self, args: Mapping[str, Any], peer: Peer) -> object:
        board, wanted = self._board, _typed(args, UserRequest)
        try:
            user_id, change, name = resolve(board.users, wanted)
            await board.users.apply(user_id, change, peer.origin)
        except (UserRefusal, UsersError) as error:
            raise RequestError(str(error)) from error
        ended = board.ipmi.end_sessions_of(name) if name else 0
        return {"user_id": user_id, "sessions_ended": ended}

    async def _inputs(self, args: Mapping[str, Any], peer: Peer) -> object:
        """Every input as the line engine sees it at this instant."""
        return input_documents(self._board.lines)

    async def _wiring(self, args: Mapping[str, Any], peer: Peer) -> object:
        name = _typed(args, _Named).name
        profile = self._board.options.profile
        document = wiring_document(profile, name, self._board.lines.armed)
        if document is None:
            known = ", ".join(host.name for host in profile.hosts) or "none"
            raise RequestError(f"this board has no host {name!r}; it has: {known}")
        return document

    async def _arm(self, args: Mapping[str, Any], peer: Peer) -> object:
        board = self._board
        if board.lines.armed:
            return {"text": "the board is armed already"}
        armed.arm(board.options.state_dir, peer.origin)
        board.bus.emit(EventKind.AGENT_ARMED, "board", board.board_id)
        board.restart()
        return {"text": "the board is armed; the agent restarts to take its outputs"}

    def _world(self) -> SimulatedWorld:
        if self._board.world is None:
            raise RequestError("this board is real: 'pgood sim' works on simulated boards only")
        return self._board.world

    async def _sim(self, args: Mapping[str, Any], peer: Peer) -> object:
        try:
            return {"text": self._world().happen(_typed(args, _Sim).words)}
        except (UnknownThing, ValueError) as error:
            raise RequestError(str(error)) from error

    async def _sim_outputs(self, args: Mapping[str, Any], peer: Peer) -> object:
        """What each output did, as the simulated world saw it."""
        return self._world().outputs()


def _typed(args: Mapping[str, Any], kind: type[T]) -> T:
    """The arguments of a method. Raises msgspec.ValidationError, whose text goes to the peer."""
    return msgspec.convert(dict(args), kind)
