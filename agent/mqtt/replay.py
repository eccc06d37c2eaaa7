# SPDX-License-Identifier: Apache-2.0
"""Makes the spool and the event record agree at the start, so that no event falls between the two.

The record is written first and the spool right after it. A kill between the two leaves events that only the record
holds: they are appended to the spool.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from agent.mqtt import topics
from agent.mqtt.event_key import id_of, key_of
from agent.spool.record import RecordClass, SpoolRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.spool.spool import Spool
    from agent.store.database import Database

log = logging.getLogger(__name__)

OLD_CURSOR = "mqtt.cursor"
"""The setting that said how far the broker got before there was a spool."""
CHUNK = 500


class EventSource(Protocol):
    """The store's record of events."""

    async def after(self, event_id: str, limit: int) -> Sequence[Mapping[str, object]]:
        """The first events with greater ids, oldest first, as published. Raises StoreError."""
        ...

    async def last_id(self) -> str:
        """The greatest id in the record, or an empty string. Raises StoreError."""
        ...


class OldSettings(Protocol):
    def get(self, key: str, default: object = None) -> object: ...


async def reconcile(spool: Spool, database: Database, source: EventSource, settings: OldSettings) -> int:
    """Append what only the record holds; before this run's first event. A board that never had a broker owes nothing.

    Returns how many were appended. Raises StoreError.
    """
    if spool.cursor(RecordClass.EVENT) is None and not spool.last_key(RecordClass.EVENT):
        old = settings.get(OLD_CURSOR)
        begin = old if isinstance(old, str) and old else await source.last_id()
        if begin:
            key = key_of(begin)
            await database.run(lambda: spool.acknowledge(RecordClass.EVENT, key))
    last = max(spool.last_key(RecordClass.EVENT), spool.cursor(RecordClass.EVENT) or 0)
    appended = 0
    while missing := await source.after(id_of(last), CHUNK):
        records = [_record(payload) for payload in missing]
        await database.run(lambda batch=records: spool.append(RecordClass.EVENT, batch))  # type: ignore[misc]
        last = records[-1].key
        appended += len(records)
    owed = spool.state.owed[RecordClass.EVENT]
    if owed:
        log.info("MQTT: %d events of earlier runs are to be published", owed)
    return appended


def _record(payload: Mapping[str, object]) -> SpoolRecord:
    when = datetime.fromisoformat(str(payload["time"]))
    encoded = msgspec.json.encode(payload)
    return SpoolRecord(key_of(str(payload["id"])), int(when.timestamp() * 1000), topics.EVENT, encoded)
