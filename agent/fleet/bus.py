# SPDX-License-Identifier: Apache-2.0
"""What the fleet asks of its messenger: publish, subscribe, leases and a small key-value store.

The broker behind it may lose, delay, repeat and reorder messages; nothing above relies on it not to. Times are
integers in nanoseconds of the asking process's monotonic clock. All calls are made on the asyncio loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECOND_NS = 1_000_000_000


class BusError(Exception):
    """The broker cannot be reached, or refuses; `str()` says which and why."""


class RevisionMismatch(BusError):
    """The key was changed by someone else since it was read."""


@dataclass(frozen=True, slots=True)
class Message:
    """`retained`: it was kept by the broker from before the subscription, so it may be old."""

    topic: str
    payload: bytes
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """Exclusive for its name until `until_ns` on the asker's clock.

    That is counted from before it asked, and shortened by what clocks drift.
    `revision` rises with every change of holder and stays when the same one renews.
    """

    holder: str
    revision: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of the key-value store; `revision` rises with every write to its key."""

    value: bytes
    revision: int


class Bus(Protocol):
    """One client of the messenger."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0) -> None:
        """Hand a message over; that it arrives is not promised. Raises BusError if it cannot even be handed over."""

    def subscribe(self, pattern: str) -> AsyncIterator[Message]:
        """Messages from now on, and retained ones first. `+` and `#` as in MQTT. Close the iterator to unsubscribe."""

    async def lease(self, name: str, ttl_s: float, *, above: int = 0) -> Lease | None:
        """Take or renew; None while another one holds it. Raises BusError.

        `above`: a revision that is known to have been used, should the broker have forgotten it; one that is not above
        it is not given, not even to who renews. All who share a lease use the same `ttl_s`.
        """

    async def release(self, name: str) -> None:
        """Give a lease back early; one that is not held is not touched. Raises BusError."""

    async def get(self, key: str) -> Entry | None:
        """As far as it has come here; None if there is no such key. Raises BusError."""

    async def put(self, key: str, value: bytes, *, revision: int | None = None) -> int:
        """Write, if the key is still at `revision`; returns the new one. 0 = it does not exist, None = in any case.

        Raises RevisionMismatch, BusError.
        """

    async def delete(self, key: str) -> None:
        """Remove a key; none is no error. Raises BusError."""


class NodeBus(Bus, Protocol):
    """A client with a last will: the broker says it when the client is gone without a word."""

    @property
    def connection(self) -> int:
        """Which connection this is; 0 = the broker is not reached."""

    @property
    def text(self) -> str:
        """What the connection does, for a person."""

    def renew(self) -> None:
        """Connect anew, with the will of now and a goodbye for the one before; what is retained comes once more."""


def matches(pattern: str, topic: str) -> bool:
    """MQTT's rule: `+` is one level, `#` at the end is all that follow or nothing; neither matches a leading `$`."""
    wanted, given = pattern.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for number, level in enumerate(wanted):
        if level == "#":
            return number == len(wanted) - 1
        if number >= len(given) or level not in ("+", given[number]):
            return False
    return len(wanted) == len(given)
