# SPDX-License-Identifier: Apache-2.0
"""A key-value store on a broker that has none: one retained message for each key, with its revision inside.

Compare-and-set works because the broker passes the messages of one topic on to all in one order. All who write a
revision of a key wait until their write comes back: the first one in that order is it, the later ones are void for
everybody who listens. But the broker retains the last one, so whoever lost, and whoever won, put the right one back.
What a plain broker cannot promise: should both die within that moment, a newcomer reads the void write.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from agent.fleet.bus import BusError, Entry, RevisionMismatch
from agent.mqtt.message import Outgoing

if TYPE_CHECKING:
    from agent.fleet.broker_client import BrokerClient
    from agent.fleet.bus import Message

ANSWER_WITHIN_S = 3.0
TRIES = 8
"""Of a write in any case, against others who write at the same time."""
LONGEST = 48_000
"""Bytes of a value, so that it fits into a message as text."""


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is retained; `writer` is another one for each write. No value: it was deleted, and its revision goes on."""

    revision: Annotated[int, msgspec.Meta(ge=1, le=2**62)]
    writer: Annotated[str, msgspec.Meta(min_length=1, max_length=160)]
    value: bytes | None = None


class _Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Comes back after what is retained, so that it is known whether anything is."""

    mark: str


_Form = TypeVar("_Form", Stored, _Mark)
_STORED = msgspec.json.Decoder(Stored)
_MARK = msgspec.json.Decoder(_Mark)


@dataclass(slots=True)
class _Key:
    """What is known of one key since it is watched."""

    stored: Stored | None = None
    witnessed: bool = False
    """The first write of its revision was heard. Else it was retained, and may be one that lost: what is heard after
    it puts that right."""
    known: asyncio.Event = field(default_factory=asyncio.Event)
    """What is retained was read."""
    waiting: dict[str, asyncio.Future[bool]] = field(default_factory=dict)
    """By writer: whether the write is valid."""


class MqttKeys:
    """Used on the asyncio loop only."""

    def __init__(self, client: BrokerClient, base: str, writer: str) -> None:
        """`writer` must be another one for each start."""
        self._client = client
        self._base = base
        self._writer = writer
        self._keys: dict[str, _Key] = {}
        self._writes = 0

    async def get(self, key: str) -> Entry | None:
        """Raises BusError."""
        stored = (await self._read(key)).stored
        return None if stored is None or stored.value is None else Entry(stored.value, stored.revision)

    async def put(self, key: str, value: bytes | None, *, revision: int | None = None) -> int:
        """Returns the new revision; a value of None deletes. Raises RevisionMismatch, BusError."""
        if value is not None and len(value) > LONGEST:
            raise BusError(f"the value of {key} has {len(value)} bytes: at most {LONGEST} are possible")
        for _ in range(TRIES):
            known = await self._read(key)
            stored = known.stored
            present = stored.revision if stored is not None and stored.value is not None else 0
            if revision is not None and revision != present:
                raise RevisionMismatch(f"{key} is at revision {present}, not {revision}: read it again")
            written = (stored.revision if stored is not None else 0) + 1
            if await self._write(key, known, value, written):
                return written
            if revision is not None:
                raise RevisionMismatch(f"{key} was changed by another one at the same time: read it again")
        raise BusError(f"{key} is written by others all the time")

    # ------------------------------------------------------------------ what the client tells

    def heard(self, message: Message) -> None:
        known = self._keys.get(message.topic)
        if known is None:
            return
        stored = _decoded(_STORED, message.payload)
        if stored is None:
            if (mark := _decoded(_MARK, message.payload)) is not None and mark.mark == self._writer:
                known.known.set()
            return
        before = known.stored
        if before is None or stored.revision > before.revision:
            known.stored, known.witnessed = stored, not message.retained
        elif stored.revision == before.revision and not known.witnessed and not message.retained:
            known.stored = stored
        valid = known.stored is stored or stored == before
        waiting = known.waiting.pop(stored.writer, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(valid)
        ours = before is not None and before.writer.startswith(self._writer)
        if not valid and before is not None and not message.retained and (ours or waiting is not None):
            with contextlib.suppress(BusError):
                self._publish(message.topic, before)

    def subscribed(self, pattern: str) -> None:
        if pattern in self._keys:
            with contextlib.suppress(BusError):  # cut off again: then there is another subscription to come
                self._client.send(Outgoing(pattern, msgspec.json.encode(_Mark(mark=self._writer)), qos=1))

    def cut_off(self) -> None:
        """Writes of others may be missed: what is retained is read again."""
        for known in self._keys.values():
            known.known.clear()
            for waiting in known.waiting.values():
                waiting.cancel()
            known.waiting.clear()

    # ------------------------------------------------------------------ steps

    async def _read(self, key: str) -> _Key:
        """Raises BusError."""
        topic = f"{self._base}/kv/{key}"
        known = self._keys.get(topic)
        if known is None:
            known = self._keys[topic] = _Key()
            self._client.subscribe(topic)
        try:
            await asyncio.wait_for(known.known.wait(), ANSWER_WITHIN_S)
        except TimeoutError as error:
            raise BusError(f"{key} cannot be read: {self._client.text}") from error
        return known

    async def _write(self, key: str, known: _Key, value: bytes | None, revision: int) -> bool:
        """Whether it is valid. Raises BusError."""
        self._writes += 1
        writer = f"{self._writer}/{self._writes}"
        came_back: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        known.waiting[writer] = came_back
        try:
            self._publish(f"{self._base}/kv/{key}", Stored(revision=revision, writer=writer, value=value))
            done, _ = await asyncio.wait((came_back,), timeout=ANSWER_WITHIN_S)
        finally:
            known.waiting.pop(writer, None)
        if not done or came_back.cancelled():
            raise BusError(f"whether {key} was written is not known: the write did not come back")
        return came_back.result()

    def _publish(self, topic: str, stored: Stored) -> None:
        self._client.send(Outgoing(topic, msgspec.json.encode(stored), qos=1, retain=True))


def _decoded(decoder: msgspec.json.Decoder[_Form], payload: bytes) -> _Form | None:
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
