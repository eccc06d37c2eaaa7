# SPDX-License-Identifier: Apache-2.0
"""What a message asks for: its topic and payload become one order, or a refusal. Nothing acts here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.mqtt import topics
from agent.mqtt.admission import Refusal, Refused
from agent.mqtt.commands import Malformed, Stamp, parse_arguments, parse_host, parse_redundancy
from agent.power.request import Request
from agent.requests.endpoint import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from agent.mqtt.board import MqttBoard
    from agent.mqtt.commands import TransactionId
    from agent.power.request import Reply
    from agent.requests.endpoint import Endpoint

_HOST = re.compile(r"host/([A-Za-z0-9][A-Za-z0-9_-]{0,31})/set")
_SUPPLY = re.compile(r"psu/([A-Za-z0-9][A-Za-z0-9_-]{0,31})/set")
_REQUEST = re.compile(r"request/([a-z][a-z-]{0,31}(?:/[a-z][a-z-]{0,31}){0,4})")


@dataclass(frozen=True, slots=True)
class Order:
    """`result`: the topic of answers, below the base. `method` is empty for a command on a `set` topic."""

    result: str
    stamp: Stamp
    what: str
    begin: Callable[[], AsyncIterator[Answer]]
    method: str = ""


@dataclass(frozen=True, slots=True)
class NoOrder:
    """`result` empty = there is no topic that could be answered on safely."""

    result: str
    refusal: Refusal
    transaction: TransactionId | None = None
    method: str = ""


class Orders:
    """Used on the loop's thread."""

    def __init__(self, board: MqttBoard) -> None:
        self._board = board

    def read(self, topic: str, payload: bytes, origin: str) -> Order | NoOrder:
        """`topic` is below the base and without a role."""
        if topic == topics.REDUNDANCY_SET:
            return self._redundancy(payload, origin)
        if topic == topics.POLICIES_SET:
            return self._set(topics.POLICIES_RESULT, "policies/update", {}, payload, origin)
        if (match := _HOST.fullmatch(topic)) is not None:
            return self._host(match[1], payload, origin)
        if (match := _SUPPLY.fullmatch(topic)) is not None:
            return self._set(f"psu/{match[1]}/result", "supplies/update", {"supply": match[1]}, payload, origin)
        if (match := _REQUEST.fullmatch(topic)) is not None:
            return self._request(match[1], payload, origin)
        # A level that is no name: echoing it would publish to a topic of a stranger's choice.
        if topic.startswith(topics.REQUEST):
            return NoOrder("", Refusal(Refused.UNKNOWN_METHOD, "no name of a method"))
        return NoOrder("", Refusal(Refused.UNKNOWN_HOST, "no name of a host or supply"))

    def _host(self, host: str, payload: bytes, origin: str) -> Order | NoOrder:
        result = topics.host_result(host)
        if host not in self._board.hosts:
            known = ", ".join(self._board.hosts) or "none"
            return NoOrder(result, Refusal(Refused.UNKNOWN_HOST, f"no host {host!r}; hosts: {known}"))
        command = parse_host(payload)
        if isinstance(command, Malformed):
            return _malformed(result, command)
        request = Request(command.action, origin, command.force)
        what = f"host {host}: {command.action.value}"
        return Order(result, command.stamp, what, lambda: _one(self._board.act(host, request)))

    def _redundancy(self, payload: bytes, origin: str) -> Order | NoOrder:
        result = topics.REDUNDANCY_RESULT
        command = parse_redundancy(payload)
        if isinstance(command, Malformed):
            return _malformed(result, command)
        change = command.change
        what = f"redundancy: {', '.join(change)}"
        return Order(result, command.stamp, what, lambda: _one(self._board.configure_redundancy(change, origin)))

    def _set(
        self, result: str, method: str, fixed: Mapping[str, object], payload: bytes, origin: str
    ) -> Order | NoOrder:
        """A `set` topic that is a shorter way to write a request."""
        endpoint = self._board.endpoints().get(method)
        if endpoint is None:
            return NoOrder(result, Refusal(Refused.UNKNOWN_METHOD, "this board has nothing to set there"))
        return self._order(endpoint, result, method, fixed, payload, origin, "")

    def _request(self, method: str, payload: bytes, origin: str) -> Order | NoOrder:
        result = topics.response(method)
        endpoint = self._board.endpoints().get(method)
        if endpoint is None:
            why = f"no method {method!r}: ask methods/list"
            return NoOrder(result, Refusal(Refused.UNKNOWN_METHOD, why), method=method)
        return self._order(endpoint, result, method, {}, payload, origin, method)

    def _order(
        self,
        endpoint: Endpoint,
        result: str,
        what: str,
        fixed: Mapping[str, object],
        payload: bytes,
        origin: str,
        method: str,
    ) -> Order | NoOrder:
        command = parse_arguments(payload)
        if isinstance(command, Malformed):
            return _malformed(result, command, method)
        arguments = {**command.arguments, **fixed}
        return Order(result, command.stamp, what, lambda: endpoint.answers(arguments, origin), method)


async def _one(reply: Awaitable[Reply]) -> AsyncIterator[Answer]:
    yield Answer.of(await reply)


def _malformed(result: str, command: Malformed, method: str = "") -> NoOrder:
    return NoOrder(result, Refusal(Refused.MALFORMED, command.reason), command.transaction, method)
