# SPDX-License-Identifier: Apache-2.0
"""A visit at a fleet's broker: look on, and say what a machine should be."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from agent.fleet.bus import BusError
from agent.fleet.mqtt_bus import MqttBus
from agent.fleet.node.documents import Target, encode
from agent.fleet.node.peers import revisions_spent
from agent.fleet.node.topics import Leaf, topic
from agent.fleet.overview.overview import PATTERNS, Overview

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.fleet.node.documents import Asker, Direction
    from agent.mqtt.config import MqttConfig

REACH_S = 10.0
"""So long a broker may take until somebody is told that it is not there."""
TAKEN_S = 10.0
"""So long a broker may take to tell a target back."""
POLL_S = 0.05


class NotReached(Exception):
    """The broker does not answer; `str()` says why."""


class NotTaken(Exception):
    """A target was not written, or the broker keeps another one; `str()` says why."""


class Visit:
    """Used on the asyncio loop only."""

    def __init__(self, bus: MqttBus) -> None:
        self.overview = Overview()
        self._bus = bus

    async def hear(self) -> None:
        """Until cancelled."""
        await asyncio.gather(*map(self._hear, PATTERNS))

    async def _hear(self, pattern: str) -> None:
        async for message in self._bus.subscribe(pattern):
            self.overview.receive(message, time.monotonic_ns())

    async def reach(self) -> None:
        """Wait for the broker. Raises NotReached."""
        if not await _within(REACH_S, lambda: self._bus.connected):
            raise NotReached(self._bus.text)

    async def ask(self, segment: str, node: str, target: Direction, asked_by: Asker, reason: str) -> int:
        """Publish a target above every revision that is known; returns its revision when the broker has told it back.

        Raises BusError, NotTaken.
        """
        revision = self.overview.next_revision(segment, node)
        if revision is None:
            raise NotTaken(revisions_spent(node))
        document = Target(node=node, target=target, revision=revision, asked_by=asked_by, reason=reason)
        await self._bus.publish(topic(segment, node, Leaf.TARGET), encode(document), retain=True, qos=1)
        if not await _within(TAKEN_S, lambda: self.overview.target(segment, node) == document):
            raise NotTaken(
                f"the broker did not take the target of {node}: may this user write to {segment}/{node}/target?"
            )
        return revision

    async def obeyed(self, segment: str, node: str, revision: int, within_s: float) -> bool:
        """Whether the node has told within this time that it knows this revision."""

        def known() -> bool:
            report = self.overview.report(segment, node)
            return report is not None and report.revision >= revision

        return await _within(within_s, known)


async def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= until_s:
            return False
        await asyncio.sleep(POLL_S)
    return True


@asynccontextmanager
async def visit(config: MqttConfig) -> AsyncIterator[Visit]:
    """Connected, listening, and gone without a trace afterwards. Raises NotReached."""
    bus = MqttBus(config, visitor=True)
    bus.start()
    visitor = Visit(bus)
    hearing = asyncio.create_task(visitor.hear())
    try:
        await visitor.reach()
        yield visitor
    finally:
        hearing.cancel()
        with suppress(asyncio.CancelledError, BusError):
            await hearing
        await bus.close()
