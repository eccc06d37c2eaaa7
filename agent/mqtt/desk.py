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
from agent.mqtt.message import Outgoing
from agent.mqtt.orders import NoOrder, Orders
from agent.mqtt.roles import Roles
from agent.power.request import Verdict
from agent.requests.endpoint import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.mqtt.board import MqttBoard
    from agent.mqtt.commands import TransactionId
    from agent.mqtt.message import Incoming
    from agent.mqtt.orders import Order

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
        roles: Roles | None = None,
    ) -> None:
        """`unix_s` gives None while the wall clock is unset."""
        self.accepted = 0
        self.refused: dict[Refused, int] = dict.fromkeys(Refused, 0)
        self.admission = Admission()
        self._base = base
        self._orders = Orders(board)
        self._answer = answer
        self._unix_s = unix_s
        self._monotonic_s = monotonic_s
        self._roles = Roles() if roles is None else roles
        self._running: set[asyncio.Task[None]] = set()

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to, absolute."""
        wanted = (*topics.COMMANDS, *([topics.ANY_ROLE] if self._roles.prefixed else []))
        return tuple(f"{self._base}/{one}" for one in wanted)

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
        role, topic = topics.role_of(message.topic)
        origin = f"{ORIGIN}:{role}" if role else ORIGIN
        order = self._orders.read(topic, message.payload, origin)
        refusal = self._refusal(message, order, role, topic)
        if refusal is not None:
            self._refuse(message, order, refusal)
        elif not isinstance(order, NoOrder):
            self._run(message, order)

    def _refusal(self, message: Incoming, order: Order | NoOrder, role: str, topic: str) -> Refusal | None:
        forbidden = self._roles.forbids(role, topic)
        if forbidden:
            return Refusal(Refused.FORBIDDEN, forbidden)
        if isinstance(order, NoOrder):
            # A retained or repeated piece of garbage is garbage first: its sender has to mend it in any case.
            return order.refusal
        if len(self._running) >= MAX_RUNNING:
            return Refusal(Refused.TOO_MANY, f"{MAX_RUNNING} commands are under way")
        return self.admission.judge(message, order.stamp, self._monotonic_s(), self._unix_s())

    # ------------------------------------------------------------------ steps

    def _run(self, message: Incoming, order: Order) -> None:
        self.accepted += 1
        log.info("MQTT: %s", order.what)

        async def run() -> None:
            try:
                async for answer in order.begin():
                    self._reply(message, order, answer, order.stamp.transaction)
            except Exception as error:
                log.exception("MQTT: %s", order.what)
                failed = Answer(False, Verdict.FAILED.value, f"{type(error).__name__}: {error}")
                self._reply(message, order, failed, order.stamp.transaction)

        task = asyncio.create_task(run(), name=f"mqtt-command {order.what}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _refuse(self, message: Incoming, order: Order | NoOrder, refusal: Refusal) -> None:
        self.refused[refusal.verdict] += 1
        log.warning("MQTT: command on %s refused: %s", message.topic, refusal.reason)
        transaction = order.transaction if isinstance(order, NoOrder) else order.stamp.transaction
        self._reply(message, order, Answer(False, refusal.verdict.value, refusal.reason), transaction)

    def _reply(
        self, message: Incoming, order: Order | NoOrder, answer: Answer, transaction: TransactionId | None
    ) -> None:
        said: dict[str, object] = {
            "ok": answer.ok,
            "verdict": answer.verdict,
            "reason": answer.reason,
            "transaction": transaction,
        }
        if order.method:
            said |= {
                "method": order.method,
                "operation": answer.operation,
                "final": answer.final,
                "data": answer.data,
            }
        payload = msgspec.json.encode(said)
        elsewhere = bool(message.response_topic) and topics.may_answer_on(message.response_topic, self._base)
        if elsewhere:
            self._answer(Outgoing(message.response_topic, payload, correlation=message.correlation))
        if order.result and not (order.method and elsewhere):
            self._answer(Outgoing(f"{self._base}/{order.result}", payload, correlation=message.correlation))
