# SPDX-License-Identifier: Apache-2.0
"""The command desk: takes messages, lets the admissible ones act in their own tasks, answers every one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from agent.mqtt import topics
from agent.mqtt.admission import Admission, Refusal, Refused
from agent.mqtt.commands import HostCommand, Malformed, RedundancyCommand, Stamp, parse_host, parse_redundancy
from agent.mqtt.message import Outgoing
from agent.power.request import Reply, Request, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.mqtt.board import MqttBoard
    from agent.mqtt.commands import TransactionId
    from agent.mqtt.message import Incoming

log = logging.getLogger(__name__)

MAX_RUNNING = 16
"""Commands whose outcome is awaited; a host takes one at a time anyway."""
ORIGIN = "mqtt"


class CommandDesk:
    """Used on the loop's thread."""

    def __init__(
        self,
        base: str,
        board: MqttBoard,
        answer: Callable[[Outgoing], None],
        unix_s: Callable[[], float | None],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`unix_s` gives None while the wall clock is unset."""
        self.accepted = 0
        self.refused: dict[Refused, int] = dict.fromkeys(Refused, 0)
        self.admission = Admission()
        self._base = base
        self._board = board
        self._answer = answer
        self._unix_s = unix_s
        self._monotonic_s = monotonic_s
        self._running: set[asyncio.Task[None]] = set()

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to, absolute."""
        return (f"{self._base}/{topics.ANY_HOST_SET}", f"{self._base}/{topics.REDUNDANCY_SET}")

    def subscribed(self) -> None:
        self.admission.subscribed(self._monotonic_s())

    async def close(self) -> None:
        """Stop waiting for outcomes; what the board has begun goes on."""
        for task in self._running:
            task.cancel()
        for task in tuple(self._running):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def take(self, message: Incoming) -> None:
        """Anything at all may arrive here."""
        if message.topic == topics.REDUNDANCY_SET:
            self._take_redundancy(message)
            return
        host = topics.commanded_host(message.topic)
        if host is not None:
            self._take_host(host, message)
        else:  # a level that is no name: echoing it would publish to a topic of a stranger's choice
            self._refuse(message, "", None, Refusal(Refused.UNKNOWN_HOST, "no name of a host"))

    # ------------------------------------------------------------------ the two kinds

    def _take_host(self, host: str, message: Incoming) -> None:
        result = topics.host_result(host)
        if host not in self._board.hosts:
            known = ", ".join(self._board.hosts) or "none"
            self._refuse(message, result, None, Refusal(Refused.UNKNOWN_HOST, f"no host {host!r}; hosts: {known}"))
            return
        command = parse_host(message.payload)
        if isinstance(command, Malformed) or not self._admit(message, result, command.stamp):
            self._malformed(message, result, command)
            return
        request = Request(command.action, ORIGIN, command.force)
        what = f"host {host}: {command.action.value}"
        self._run(message, result, command.stamp, what, lambda: self._board.act(host, request))

    def _take_redundancy(self, message: Incoming) -> None:
        result = topics.REDUNDANCY_RESULT
        command = parse_redundancy(message.payload)
        if isinstance(command, Malformed) or not self._admit(message, result, command.stamp):
            self._malformed(message, result, command)
            return
        change = command.change
        what = f"redundancy: {', '.join(change)}"
        self._run(message, result, command.stamp, what, lambda: self._board.configure_redundancy(change, ORIGIN))

    # ------------------------------------------------------------------ steps

    def _malformed(self, message: Incoming, result: str, command: HostCommand | RedundancyCommand | Malformed) -> None:
        if not isinstance(command, Malformed):
            return
        # A retained or repeated piece of garbage is garbage first: its sender has to mend it in any case.
        self._refuse(message, result, command.transaction, Refusal(Refused.MALFORMED, command.reason))

    def _admit(self, message: Incoming, result: str, stamp: Stamp) -> bool:
        if len(self._running) >= MAX_RUNNING:
            refusal: Refusal | None = Refusal(Refused.TOO_MANY, f"{MAX_RUNNING} commands are under way")
        else:
            refusal = self.admission.judge(message, stamp, self._monotonic_s(), self._unix_s())
        if refusal is None:
            return True
        self._refuse(message, result, stamp.transaction, refusal)
        return False

    def _run(
        self, message: Incoming, result: str, stamp: Stamp, what: str, begin: Callable[[], Awaitable[Reply]]
    ) -> None:
        self.accepted += 1
        log.info("MQTT: %s", what)

        async def run() -> None:
            try:
                reply = await begin()
            except KeyError as error:
                reply = Reply(Verdict.FAILED, f"unknown: {error}")
            except Exception as error:
                log.exception("MQTT: %s", what)
                reply = Reply(Verdict.FAILED, f"{type(error).__name__}: {error}")
            self._reply(message, result, stamp.transaction, reply.verdict.good, reply.verdict.value, reply.reason)

        task = asyncio.create_task(run(), name=f"mqtt-command {what}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _refuse(self, message: Incoming, result: str, transaction: TransactionId | None, refusal: Refusal) -> None:
        self.refused[refusal.verdict] += 1
        log.warning("MQTT: command on %s refused: %s", message.topic, refusal.reason)
        self._reply(message, result, transaction, False, refusal.verdict.value, refusal.reason)

    def _reply(
        self,
        message: Incoming,
        result: str,
        transaction: TransactionId | None,
        ok: bool,
        verdict: str,
        reason: str,
    ) -> None:
        payload = msgspec.json.encode({"ok": ok, "verdict": verdict, "reason": reason, "transaction": transaction})
        if result:
            self._answer(Outgoing(f"{self._base}/{result}", payload))
        if message.response_topic and topics.may_answer_on(message.response_topic, self._base):
            self._answer(Outgoing(message.response_topic, payload, correlation=message.correlation))
