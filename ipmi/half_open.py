# SPDX-License-Identifier: Apache-2.0
"""Logins under way. They expire in seconds; when there are too many, they give way in an order no flood can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipmi.board import User
    from ipmi.crypto import Exchange, Suite
    from ipmi.rakp import OpenSessionRequest
    from ipmi.session import Source


@dataclass(slots=True)
class HalfOpen:
    """A login between Open Session and RAKP message 3."""

    session_id: int
    request: OpenSessionRequest
    suite: Suite
    source: Source
    opened_at: float
    response: bytes
    """Answer to the Open Session Request, for a client that repeats it."""
    rakp1: bytes = b""
    rakp2: bytes = b""
    exchange: Exchange | None = None
    user: User | None = None
    """None also after RAKP message 1 of a name that nobody has."""


class HalfOpenTable:
    """All logins under way, by session id.

    A full table makes room at once: the oldest entry of the address that holds most goes first; entries whose
    RAKP message 1 named a known user go only when there are no others.
    """

    def __init__(self, limit: int, lifetime_s: float) -> None:
        self._limit = limit
        self._lifetime_s = lifetime_s
        self._entries: dict[int, HalfOpen] = {}
        self._nameless: dict[str, dict[int, HalfOpen]] = {}
        self._named: dict[str, dict[int, HalfOpen]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[HalfOpen]:
        return iter(self._entries.values())

    def __contains__(self, session_id: int) -> bool:
        return session_id in self._entries

    def get(self, session_id: int, now: float) -> HalfOpen | None:
        entry = self._entries.get(session_id)
        if entry is not None and now - entry.opened_at > self._lifetime_s:
            self.remove(entry)
            return None
        return entry

    def find_repeat(self, request: OpenSessionRequest, source: Source) -> HalfOpen | None:
        """The entry that the same Open Session Request (but for its tag) from the same port has made.

        Not once it has seen RAKP message 1: ipmitool begins a new login with the console id of its last one.
        """
        of_address = self._nameless.get(source[0], {})
        if not of_address:
            return None
        newest = next(reversed(of_address.values()))
        same = newest.source == source and newest.request[1:] == request[1:]
        return newest if same and newest.exchange is None else None

    def add(self, entry: HalfOpen) -> bool:
        """Keep a new login; True when another one had to go for it."""
        evicted = len(self._entries) >= self._limit
        if evicted:
            self._evict()
        self._entries[entry.session_id] = entry
        self._nameless.setdefault(entry.source[0], {})[entry.session_id] = entry
        return evicted

    def promote(self, entry: HalfOpen) -> None:
        """The entry has named a known user: it now outlives those that have not."""
        _drop(self._nameless, entry)
        self._named.setdefault(entry.source[0], {})[entry.session_id] = entry

    def remove(self, entry: HalfOpen) -> None:
        if self._entries.pop(entry.session_id, None) is not None:
            _drop(self._nameless, entry)
            _drop(self._named, entry)

    def expire(self, now: float) -> None:
        """Forget what has taken too long. Entries are in order of age."""
        old = []
        for entry in self._entries.values():
            if now - entry.opened_at <= self._lifetime_s:
                break
            old.append(entry)
        for entry in old:
            self.remove(entry)

    def _evict(self) -> None:
        addresses = self._nameless or self._named
        of_address = max(addresses.values(), key=len)
        self.remove(next(iter(of_address.values())))


def _drop(addresses: dict[str, dict[int, HalfOpen]], entry: HalfOpen) -> None:
    of_address = addresses.get(entry.source[0])
    if of_address is not None and of_address.pop(entry.session_id, None) is not None and not of_address:
        del addresses[entry.source[0]]
