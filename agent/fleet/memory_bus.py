# SPDX-License-Identifier: Apache-2.0
"""A broker in memory with a clock of its own, which misbehaves as it is told. For tests and simulations.

`MemoryBroker` is the broker and the network; `connect` gives each client its `Bus`. Nothing moves but by `advance`.
"""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.bus import SECOND_NS, BusError, Entry, Lease, Message, RevisionMismatch, matches

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, Callable

DRIFT = 0.01
"""No clock is faster or slower than another by more than this part."""
QUEUE = 100_000
"""A subscriber that does not read loses what comes beyond it, and it is counted."""


@dataclass(slots=True)
class Weather:
    """What the network does to each message on its way to each subscriber."""

    loss: float = 0.0
    duplication: float = 0.0
    least_delay_ns: int = 0
    most_delay_ns: int = 0
    """Delays differ from message to message: that reorders them."""


@dataclass(slots=True)
class _Held:
    holder: str
    revision: int
    until_ns: int


@dataclass(slots=True, eq=False)
class _Subscription:
    client: str
    pattern: str
    queue: asyncio.Queue[Message]


@dataclass(slots=True)
class MemoryBroker:
    """`now_ns` is the one true time. `cut_off` are clients that no message reaches or leaves."""

    chance: random.Random
    weather: Weather = field(default_factory=Weather)
    now_ns: int = 0
    cut_off: set[str] = field(default_factory=set)
    down: bool = False
    """The broker itself; its retained messages, leases and keys outlive it."""
    lost: int = 0
    _retained: dict[str, bytes] = field(default_factory=dict)
    _subscriptions: list[_Subscription] = field(default_factory=list)
    _leases: dict[str, _Held] = field(default_factory=dict)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _revisions: dict[str, int] = field(default_factory=dict)
    _under_way: list[tuple[int, int, _Subscription, Message]] = field(default_factory=list)
    _sent: int = 0
    _connected: int = 0

    def connect(self, client: str, clock: Callable[[], int] | None = None) -> MemoryBus:
        """`clock` is the client's own monotonic clock in ns; the broker's unless given."""
        self._connected += 1
        return MemoryBus(self, client, f"{client}:{self._connected}", clock or (lambda: self.now_ns))

    def advance(self, ns: int) -> None:
        """Let time pass and deliver what is due; readers run when the loop gets to them."""
        self.now_ns += ns
        while self._under_way and self._under_way[0][0] <= self.now_ns:
            _, _, subscription, message = heapq.heappop(self._under_way)
            if self.down or subscription.client in self.cut_off or subscription not in self._subscriptions:
                self.lost += 1
                continue
            try:
                subscription.queue.put_nowait(message)
            except asyncio.QueueFull:
                self.lost += 1

    def check(self, client: str) -> None:
        """Raises BusError unless the client reaches the broker."""
        if self.down or client in self.cut_off:
            raise BusError(f"{client} does not reach the broker")

    def send(self, topic: str, payload: bytes, retain: bool) -> None:
        if retain and payload:
            self._retained[topic] = payload
        elif retain:
            self._retained.pop(topic, None)
        for subscription in self._subscriptions:
            if matches(subscription.pattern, topic):
                self._deliver(subscription, Message(topic, payload))

    def add(self, client: str, pattern: str) -> _Subscription:
        subscription = _Subscription(client, pattern, asyncio.Queue(QUEUE))
        self._subscriptions.append(subscription)
        for topic, payload in self._retained.items():
            if matches(pattern, topic):
                self._deliver(subscription, Message(topic, payload, retained=True))
        return subscription

    def retell(self, client: str) -> None:
        """What is retained comes once more, as after a new connection."""
        for subscription in self._subscriptions:
            if subscription.client == client:
                for topic, payload in self._retained.items():
                    if matches(subscription.pattern, topic):
                        self._deliver(subscription, Message(topic, payload, retained=True))

    def remove(self, subscription: _Subscription) -> None:
        self._subscriptions.remove(subscription)

    def hold(self, name: str, holder: str, ttl_ns: int, above: int = 0) -> int | None:
        """The revision of the lease, or None while another one holds it."""
        held = self._leases.get(name)
        if held is not None and held.holder != holder and self.now_ns < held.until_ns:
            return None
        if held is None:
            held = _Held(holder, above + 1, 0)
        elif held.holder != holder or self.now_ns >= held.until_ns or held.revision <= above:
            held = _Held(holder, max(held.revision, above) + 1, 0)
        held.until_ns = self.now_ns + ttl_ns
        self._leases[name] = held
        return held.revision

    def give_back(self, name: str, holder: str) -> None:
        held = self._leases.get(name)
        if held is not None and held.holder == holder:
            held.until_ns = self.now_ns

    def read(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def write(self, key: str, value: bytes, revision: int | None) -> int:
        entry = self._entries.get(key)
        present = entry.revision if entry is not None else 0
        if revision is not None and revision != present:
            raise RevisionMismatch(f"{key} is at revision {present}, not {revision}: read it again")
        self._revisions[key] = self._revisions.get(key, 0) + 1
        self._entries[key] = Entry(value, self._revisions[key])
        return self._revisions[key]

    def erase(self, key: str) -> None:
        self._entries.pop(key, None)

    def _deliver(self, subscription: _Subscription, message: Message) -> None:
        copies = 2 if self.chance.random() < self.weather.duplication else 1
        for _ in range(copies):
            if self.chance.random() < self.weather.loss:
                self.lost += 1
                continue
            delay_ns = self.chance.randint(self.weather.least_delay_ns, self.weather.most_delay_ns)
            self._sent += 1
            heapq.heappush(self._under_way, (self.now_ns + delay_ns, self._sent, subscription, message))


@dataclass(frozen=True, slots=True)
class MemoryBus:
    """One client's `NodeBus`."""

    broker: MemoryBroker
    client: str
    holder: str
    """Of its leases; another one for each connection, as one who starts again is another one."""
    clock: Callable[[], int]

    @property
    def connection(self) -> int:
        return 0 if self.broker.down or self.client in self.broker.cut_off else 1

    @property
    def text(self) -> str:
        return "connected" if self.connection else "the broker is not reached"

    def renew(self) -> None:
        self.broker.retell(self.client)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0) -> None:
        self.broker.check(self.client)
        self.broker.send(topic, payload, retain)

    def subscribe(self, pattern: str) -> AsyncGenerator[Message, None]:
        return self._read(self.broker.add(self.client, pattern))

    async def _read(self, subscription: _Subscription) -> AsyncGenerator[Message, None]:
        try:
            while True:
                yield await subscription.queue.get()
        finally:
            self.broker.remove(subscription)

    async def lease(self, name: str, ttl_s: float, *, above: int = 0) -> Lease | None:
        self.broker.check(self.client)
        asked_ns = self.clock()
        ttl_ns = round(ttl_s * SECOND_NS)
        revision = self.broker.hold(name, self.holder, ttl_ns, above)
        if revision is None:
            return None
        return Lease(self.holder, revision, asked_ns + round(ttl_ns * (1 - DRIFT)))

    async def release(self, name: str) -> None:
        self.broker.check(self.client)
        self.broker.give_back(name, self.holder)

    async def get(self, key: str) -> Entry | None:
        self.broker.check(self.client)
        return self.broker.read(key)

    async def put(self, key: str, value: bytes, *, revision: int | None = None) -> int:
        self.broker.check(self.client)
        return self.broker.write(key, value, revision)

    async def delete(self, key: str) -> None:
        self.broker.check(self.client)
        self.broker.erase(key)
