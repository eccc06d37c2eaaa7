# SPDX-License-Identifier: Apache-2.0
"""A publisher whose pauses pass at once, and what it is given to publish."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.energy.kubernetes.node_keys import NodeFacts
from agent.energy.kubernetes.publisher import NodePublisher
from agent.energy.kubernetes.table import KubernetesTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.kubernetes.publication import PublishState
    from tests.agent.energy.kubernetes.scripted import Handler

SECRET = "eyJhbGciOi.the-token.of-this-pod"
FACTS = NodeFacts(at_s=1759756965.0, min_w=10.0, max_w=40.0, cap_w=25.0, binding="price")


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Played:
    """A publisher whose pauses pass at once."""

    def __init__(self, table: KubernetesTable, environ: dict[str, str] | None = None) -> None:
        self.clock = Clock()
        self.publisher = NodePublisher(table, environ or {}, self.clock, lambda: 0.5)

    async def until_pause(self) -> float | None:
        """Requests until there is none to make; the pause in seconds."""
        for _ in range(50):
            pause = await self.publisher.step()
            if pause is not None:
                return pause.seconds
        raise AssertionError("it asks without a pause")

    async def pass_pause(self) -> float:
        seconds = await self.until_pause()
        assert seconds is not None
        self.clock.now_s += seconds
        return seconds

    def state(self) -> PublishState:
        return self.publisher.state.state


def play(table: KubernetesTable, pauses: int = 0) -> Played:
    """Publish once, and let so many pauses pass."""
    played = Played(table)

    async def story() -> None:
        played.publisher.publish(FACTS)
        for _ in range(pauses):
            await played.pass_pause()
        await played.until_pause()

    asyncio.run(story())
    return played


def raw(content: bytes) -> Callable[[Handler], None]:
    def write(handler: Handler) -> None:
        handler.wfile.write(content)

    return write


def replace_table(table: KubernetesTable, **changes: object) -> KubernetesTable:
    return KubernetesTable(**{name: getattr(table, name) for name in table.__struct_fields__} | changes)
