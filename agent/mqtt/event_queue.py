# SPDX-License-Identifier: Apache-2.0
"""Where events wait for the broker: the interface, and the queue in memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

MAX_RECORDS = 10_000
MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event, ready to be published. `id` orders records over restarts."""

    id: str
    payload: bytes


class EventQueue(Protocol):
    """Records leave in the order they came, and stay until the broker has acknowledged them. Loop's thread only."""

    @property
    def dropped(self) -> int:
        """Records lost because space ran out."""
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
        """The connection ended: everything not retired is to be taken again."""
        ...


class MemoryEventQueue:
    """Bounded by number and bytes: the oldest records make room. Lost when the agent ends."""

    def __init__(self, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES) -> None:
        self.dropped = 0
        self.cursor = ""
        """Id up to which nothing is owed to the broker any more."""
        self._retired = ""
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._bytes = 0
        self._waiting: deque[EventRecord] = deque()
        self._taken: dict[str, EventRecord] = {}
        """Ordered as taken, which is the order of ids."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._taken)

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
            self._retired = max(self._retired, record_id)
            oldest = next(iter(self._taken), None)
            if oldest is None or oldest > self._retired:
                self.cursor = max(self.cursor, self._retired)

    def rewind(self) -> None:
        self._waiting.extendleft(reversed(self._taken.values()))
        self._taken.clear()

    def _drop_oldest(self) -> None:
        """The oldest is one on its way to the broker, if any is: it may arrive all the same."""
        record = self._taken.pop(next(iter(self._taken))) if self._taken else self._waiting.popleft()
        self._bytes -= len(record.payload)
        self.dropped += 1
