# SPDX-License-Identifier: Apache-2.0
"""Remembers what this board has left in brokers' memories, so that what no longer exists can be taken out of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

KEY = "mqtt.retained"

Parts = dict[str, str]
"""Of a discovery payload: platform by component id; empty for any other message."""


class Store(Protocol):
    """Settings that survive."""

    def get(self, key: str, default: object = None) -> object: ...

    async def put(self, values: Mapping[str, object]) -> None: ...


class MemoryStore:
    """Forgets everything when the agent ends."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}

    def get(self, key: str, default: object = None) -> object:
        return self._values.get(key, default)

    async def put(self, values: Mapping[str, object]) -> None:
        self._values.update(values)


class RetainedTopics:
    """Absolute topics of retained messages. Used on the loop's thread.

    A topic is remembered before it is first published and forgotten after the broker has acknowledged its removal:
    an agent that is killed in between removes once too often, never once too few.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        stored = store.get(KEY)
        self._known: dict[str, Parts] = dict(stored) if isinstance(stored, dict) else {}

    def known(self, topic: str) -> Parts:
        return self._known.get(topic, {})

    def gone(self, present: Mapping[str, Parts]) -> list[str]:
        """Topics that were published once and are no more."""
        return [topic for topic in self._known if topic not in present]

    async def remember(self, present: Mapping[str, Parts]) -> None:
        """These will be published. A disk that fails costs the memory, not the publication."""
        known = {topic: {**self.known(topic), **parts} for topic, parts in present.items()}
        await self._keep({**self._known, **known})

    async def forget(self, topic: str) -> None:
        """The broker has removed it."""
        await self._keep({key: parts for key, parts in self._known.items() if key != topic})

    async def _keep(self, known: dict[str, Parts]) -> None:
        if known == self._known:
            return
        self._known = known
        try:
            await self._store.put({KEY: known})
        except OSError as error:
            log.warning("MQTT: which topics are retained is not stored: %s", error)
