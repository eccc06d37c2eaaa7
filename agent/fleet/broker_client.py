# SPDX-License-Identifier: Apache-2.0
"""One connection of the fleet to a broker, which is kept: it dials again and subscribes again by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Protocol

from agent.fleet.bus import BusError, Message
from agent.mqtt import topics
from agent.mqtt.connection import Connection
from agent.mqtt.ending import FAILURE
from agent.mqtt.message import Outgoing

if TYPE_CHECKING:
    from agent.mqtt.config import MqttConfig
    from agent.mqtt.ending import Ending
    from agent.mqtt.link import Link
    from agent.mqtt.message import Incoming

log = logging.getLogger(__name__)

ROOM_WITHIN_S = 2.0
"""A broker that acknowledges nothing for so long is as good as away."""
GOODBYE_S = 1.0


class ClientUser(Protocol):
    """Called on the loop, in the order of what happened."""

    def heard(self, message: Message) -> None:
        """A message of any subscription; topics that overlap may tell it twice."""

    def subscribed(self, pattern: str) -> None:
        """The broker has taken a subscription: what is published from now on is heard."""

    def cut_off(self) -> None:
        """The connection ended: messages are missed until `subscribed` again."""


class BrokerClient:
    """Used on the asyncio loop only."""

    def __init__(self, config: MqttConfig, user: ClientUser, *, told: bool = True) -> None:
        """`told`: others may see whether this client is there."""
        self._config = config
        self._told = told
        self._user = user
        self._connection = Connection(config, self)
        self._patterns: dict[str, int] = {}
        """Subscribed to, by how many."""
        self._moved = asyncio.Event()
        """The window may have room again, or the link ended."""
        self._stuck = False
        self._goodbye: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._connection.start()

    async def close(self) -> None:
        link = self._live()
        if link is not None and self._told:
            link.publish(Outgoing(f"{self._config.base}/{topics.STATUS}", topics.OFFLINE, 0, True), _ignore)
        await self._connection.close(GOODBYE_S)

    @property
    def text(self) -> str:
        """What the connection does, for a person."""
        return self._connection.text

    @property
    def connected(self) -> bool:
        return self._live() is not None

    @property
    def connection(self) -> int:
        """How many connections there were with this one; 0 = there is none now."""
        return self._connection.established if self.connected else 0

    def renew(self) -> None:
        """Say goodbye and connect anew; the will is asked for again. A connection that does not answer is dropped."""
        link = self._live()
        if link is not None and (self._goodbye is None or self._goodbye.done()):
            self._goodbye = asyncio.create_task(self._leave(link), name="mqtt-renew")

    async def publish(self, message: Outgoing) -> None:
        """Hand a message to the broker's window; its acknowledgement is not waited for. Raises BusError."""
        link = self._link()
        if link.unsettled >= link.window:
            await self._room(link)
        self.send(message)

    def send(self, message: Outgoing) -> None:
        """The same at once, whether or not the window has room: for few messages. Raises BusError."""
        link = self._link()
        try:
            link.publish(message, self._settled)
        except ValueError as error:
            raise BusError(str(error)) from error

    def subscribe(self, pattern: str) -> None:
        """From now on, and again after each connection; each time the broker sends what it retains."""
        self._patterns[pattern] = self._patterns.get(pattern, 0) + 1
        self.ask_retained(pattern)

    def ask_retained(self, pattern: str) -> None:
        """Have the broker send what it retains once more; nothing while there is no connection."""
        link = self._live()
        if link is not None:
            self._subscribe(link, [pattern])

    def unsubscribe(self, pattern: str) -> None:
        self._patterns[pattern] -= 1
        if self._patterns[pattern] == 0:
            del self._patterns[pattern]
            link = self._live()
            if link is not None:
                link.unsubscribe([pattern])

    # ------------------------------------------------------------------ what the connection tells

    def link_up(self, link: Link) -> None:
        self._stuck = False
        if self._told:
            with contextlib.suppress(BusError):
                self.send(Outgoing(f"{self._config.base}/{topics.STATUS}", topics.ONLINE, 0, True))
        if self._patterns:
            self._subscribe(link, list(self._patterns))

    def link_down(self, ending: Ending) -> None:
        self._moved.set()
        self._user.cut_off()

    def received(self, message: Incoming) -> None:
        topic = message.topic if message.foreign else f"{self._config.base}/{message.topic}"
        self._user.heard(Message(topic, message.payload, message.retained))

    # ------------------------------------------------------------------ steps

    def _link(self) -> Link:
        link = self._live()
        if link is None:
            raise BusError(f"the broker is not reached: {self._connection.text}")
        return link

    def _live(self) -> Link | None:
        """Its end is told a moment after it; nothing more is sent over it."""
        link = self._connection.link
        return None if link is None or link.ended.done() else link

    async def _leave(self, link: Link) -> None:
        """A broker that cannot acknowledge a message any more takes the connection for broken, and tells the will."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                while link.unsettled and not link.ended.done():
                    self._moved.clear()
                    await self._moved.wait()
        await link.disconnect(GOODBYE_S)

    async def _room(self, link: Link) -> None:
        """Wait for room in the broker's window. Raises BusError."""
        deadline_s = asyncio.get_running_loop().time() + ROOM_WITHIN_S
        while not link.ended.done() and link.unsettled >= link.window:
            left_s = deadline_s - asyncio.get_running_loop().time()
            if self._stuck or left_s <= 0:
                self._stuck = True  # whoever has a thousand messages must not wait for each
                raise BusError(f"{self._connection.url} acknowledges nothing")
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left_s)

    def _settled(self, _code: int) -> None:
        self._stuck = False
        self._moved.set()

    def _subscribe(self, link: Link, patterns: list[str]) -> None:
        answer = link.subscribe(patterns, as_published=False)

        def answered(codes: asyncio.Future[list[int]]) -> None:
            if codes.cancelled():
                return
            for pattern, code in zip(patterns, codes.result(), strict=False):
                if code >= FAILURE:
                    log.warning("MQTT: the broker does not let us subscribe to %s: see its access list", pattern)
                elif pattern in self._patterns:
                    self._user.subscribed(pattern)

        answer.add_done_callback(answered)


def _ignore(_code: int) -> None:
    """Nobody waits for it."""
