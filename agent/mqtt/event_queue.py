# SPDX-License-Identifier: Apache-2.0
"""Where events wait for the broker: the interface, and the queue in memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.mqtt import topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_RECORDS = 10_000
MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event or sample, ready to be published. `id` orders records over restarts."""

    id: str
    payload: bytes
    topic: str = topics.EVENT
    """Below the board's base."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """What a queue says of itself; counters count from the start of the agent."""

    dropped: Mapping[str, int] = field(default_factory=dict)
    """Records that will not be published, by reason."""
    disk_bytes: int = 0
    disk_error: str = ""
    """Why the disk takes no records at present; they wait in memory. Empty = it does, or there is none."""
    damage: str = ""
    """File and place of the last damage found on the disk."""


class EventQueue(Protocol):
    """Records leave in the order they came, and stay until the broker has acknowledged them. Loop's thread only."""

    def state(self) -> QueueState: ...

    def on_ready(self, ready: Callable[[], None]) -> None:
        """`ready` is called when there may be something to take after `take` has given nothing."""
        ...

    def __len__(self) -> int:
        """Records that the broker has not acknowledged."""
        ...

    def put(self, record: EventRecord) -> None: ...

    def take(self) -> EventRecord | None:
        """The oldest record that was not taken since the last rewind. It stays until it is retired."""
        ...

    def retire(self, record_id: str) -> None:
        """The broker has the record; an unknown id is one that was dropped or retired before."""
        ...

    def rewind(self) -> None:
        """The connection ended or begins: everything not retired is to be taken again, as history."""
        ...


class MemoryEventQueue:
    """Bounded by number and bytes: the oldest records make room. Lost when the agent ends."""

    def __init__(self, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES) -> None:
        self.dropped = 0
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._bytes = 0
        self._waiting: deque[EventRecord] = deque()
        self._taken: dict[str, EventRecord] = {}
        """Ordered as taken, which is the order of ids."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._taken)

    def state(self) -> QueueState:
        return QueueState(dropped={"memory": self.dropped} if self.dropped else {})

    def on_ready(self, ready: Callable[[], None]) -> None:
        """Never called: `take` always gives what there is."""

    def put(self, record: EventRecord) -> None:
        self._waiting.append(record)
        self._bytes += len(record.payload)
        while len(self) > self._max_records or self._bytes > self._max_bytes:
            self._drop_oldest()

    def take(self) -> EventRecord | None:
        if not self._waiting:
            return None
        record = self._waiting.popleft()
        self._taken[record.id] = record
        return record

    def retire(self, record_id: str) -> None:
        record = self._taken.pop(record_id, None)
        if record is not None:
            self._bytes -= len(record.payload)

    def rewind(self) -> None:
        self._waiting.extendleft(reversed(self._taken.values()))
        self._taken.clear()

    def _drop_oldest(self) -> None:
        """The oldest is one on its way to the broker, if any is: it may arrive all the same."""
        record = self._taken.pop(next(iter(self._taken))) if self._taken else self._waiting.popleft()
        self._bytes -= len(record.payload)
        self.dropped += 1
