# SPDX-License-Identifier: Apache-2.0
"""Decides what is published next: availability, documents, answers, events, within the broker's window."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from agent.mqtt import topics
from agent.mqtt.ending import FAILURE
from agent.mqtt.event_queue import EventRecord
from agent.mqtt.message import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.events.event import Event
    from agent.mqtt.board import MqttBoard
    from agent.mqtt.event_queue import EventQueue
    from agent.mqtt.link import Link
    from agent.mqtt.sample_spool import SampleSpool

log = logging.getLogger(__name__)

MAX_ANSWERS = 64
"""Answers that wait for room in the window; more push out the oldest: nobody waits for them that long."""
TRY_LATER = frozenset({0x80, 0x83, 0x97})
"""Refusals of a PUBLISH that pass: unspecified, implementation specific, quota exceeded (MQTT 5.0, table 2-6)."""
TRY_LATER_S = 5.0


class Publisher:
    """Used on the loop's thread; nothing here waits.

    What waits for the broker is bounded: of each document only the newest state, answers by number, events by the
    queue; what is sent now never waits.
    """

    def __init__(self, base: str, board: MqttBoard, events: EventQueue, samples: SampleSpool | None = None) -> None:
        """`samples`: where telemetry goes that must not have gaps; None = it is published now or never."""
        self.published = 0
        """Messages that the broker has acknowledged, or that were written if no acknowledgement was asked for."""
        self.refused = 0
        """Messages that the broker refused."""
        self.dropped_answers = 0
        self.last_refusal = ""
        self._base = base
        self._board = board
        self._events = events
        events.on_ready(self._fill)
        self._samples = samples
        if samples is not None:
            samples.on_ready(self._fill)
        self._link: Link | None = None
        self._loop = asyncio.get_running_loop()
        self._status: list[bytes] = []
        self._announcements: deque[tuple[Outgoing, Callable[[int], None] | None]] = deque()
        """Messages that introduce the board to others: after availability, before state."""
        self._documents: dict[str, bytes] = {}
        """Documents to be published, by topic; a newer state takes the place of an older."""
        self._last: dict[str, bytes] = {}
        self._changed: set[str] = set()
        self._answers: deque[Outgoing] = deque()
        self._hold: asyncio.TimerHandle | None = None
        self._due: asyncio.Handle | None = None

    # ------------------------------------------------------------------ the link

    def link_up(self, link: Link) -> None:
        """A broker is there: tell it everything, availability first, then what was announced before this call."""
        self._link = link
        self._status = [topics.ONLINE]
        self._changed.clear()
        self._last.clear()
        self._documents.clear()
        self._rewind()
        self._render(None)
        self._fill()

    def link_down(self) -> None:
        self._link = None
        self._status.clear()
        self._announcements.clear()
        self._release()
        self._rewind()

    def farewell(self) -> None:
        """The last word of a clean stop."""
        self._announcements.clear()
        self._status = [topics.OFFLINE]
        self._fill()

    @property
    def idle(self) -> bool:
        """Whether all that waited is with the broker, or there is no broker."""
        return self._link is None or not (
            self._status
            or self._announcements
            or self._documents
            or self._changed
            or self._answers
            or len(self._events)
            or self._link.unsettled
        )

    def last(self, topic: str) -> bytes | None:
        """The document as it was lined up last on this link."""
        return self._last.get(topic)

    # ------------------------------------------------------------------ what is to be said

    def announce(self, messages: Iterable[Outgoing], settled: Callable[[int], None] | None = None) -> None:
        """Line up retained messages with absolute topics; `settled` follows for each."""
        self._announcements.extend((message, settled) for message in messages)
        self._fill()

    def introduce(self) -> None:
        """Say again that the board is there, and every document: somebody new listens."""
        if self._link is not None:
            self.announce([Outgoing(f"{self._base}/{topics.STATUS}", topics.ONLINE, retain=True)])
            self._last.clear()
            self._render(None)
            self._fill()

    def changed(self, source: str) -> None:
        """The document of `source` changed. Changes of one turn of the loop are published together."""
        self._changed.add(topics.state(source))
        if self._due is None:
            self._due = self._loop.call_soon(self._changes)

    def event(self, event: Event) -> None:
        self._events.put(EventRecord(event.id, msgspec.json.encode(event.payload())))
        self._fill()

    def answer(self, message: Outgoing) -> None:
        if self._link is None or len(self._answers) >= MAX_ANSWERS:
            self.dropped_answers += 1
            if self._link is None:
                return
            self._answers.popleft()
        self._answers.append(message)
        self._fill()

    @property
    def linked(self) -> bool:
        return self._link is not None

    @property
    def has_room(self) -> bool:
        """Whether the broker's window takes one more."""
        return self._link is not None and self._link.unsettled < self._link.window

    def send_now(self, message: Outgoing, settled: Callable[[int], None]) -> bool:
        """Past everything that waits, and past the window; False without a link, or if it can never be sent."""
        return self._link is not None and self._send(message, settled)

    # ------------------------------------------------------------------ the window

    def _changes(self) -> None:
        self._due = None
        if self._link is not None:
            changed = self._changed.copy()
            self._changed.clear()
            self._render(changed)
            self._fill()

    def _render(self, wanted: set[str] | None) -> None:
        """Line up the documents that differ from what the broker was told; None = look at all."""
        try:
            documents = {
                topic: msgspec.json.encode(document)
                for topic, document in self._board.documents().items()
                if wanted is None or topic in wanted
            }
        except Exception:  # a fault in one document must not cost the connection
            log.exception("MQTT: no documents")
            return
        for topic, payload in documents.items():
            if self._last.get(topic) != payload:
                self._last[topic] = self._documents[topic] = payload

    def _fill(self) -> None:
        """Send what comes next while the broker's window has room."""
        while self._link is not None and self._link.unsettled < self._link.window:
            if self._status:
                self._retain(topics.STATUS, self._status.pop(0))
            elif self._announcements:
                self._send(*self._announcements.popleft())
            elif self._documents:
                topic = next(iter(self._documents))
                self._retain(topic, self._documents.pop(topic))
            elif self._answers:
                self._send(self._answers.popleft())
            elif self._hold is None and (record := self._events.take()) is not None:
                self._send_record(record, self._events)
            elif (
                self._hold is None
                and self._samples is not None
                and not len(self._events)
                and (record := self._samples.stream.take()) is not None
            ):
                self._send_record(record, self._samples.stream)
            else:
                return

    def _retain(self, topic: str, payload: bytes) -> None:
        self._send(Outgoing(f"{self._base}/{topic}", payload, retain=True))

    def _rewind(self) -> None:
        self._events.rewind()
        if self._samples is not None:
            self._samples.stream.rewind()

    def _send_record(self, record: EventRecord, queue: EventQueue) -> None:
        def settled(code: int) -> None:
            if code in TRY_LATER and self._link is not None:
                self._hold_events()
            else:
                queue.retire(record.id)

        if not self._send(Outgoing(f"{self._base}/{record.topic}", record.payload), settled):
            queue.retire(record.id)

    def _send(self, message: Outgoing, then: Callable[[int], None] | None = None) -> bool:
        """False when the message can never be sent."""
        link = self._link
        assert link is not None

        def settled(code: int) -> None:
            if code >= FAILURE:
                self._broker_refused(message.topic, code)
            else:
                self.published += 1
            if then is not None:
                then(code)
            if self._link is link:
                self._fill()

        try:
            link.publish(message, settled)
        except ValueError as error:
            self.refused += 1
            self.last_refusal = str(error)
            log.warning("MQTT: %s", error)
            return False
        return True

    def _broker_refused(self, topic: str, code: int) -> None:
        self.refused += 1
        text = f"the broker refuses {topic} with reason code 0x{code:02x}"
        if text != self.last_refusal:
            log.warning("MQTT: %s", text)
        self.last_refusal = text

    def _hold_events(self) -> None:
        if self._hold is None:
            self._hold = self._loop.call_later(TRY_LATER_S, self._held_enough)

    def _held_enough(self) -> None:
        self._release()
        self._rewind()
        self._fill()

    def _release(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
