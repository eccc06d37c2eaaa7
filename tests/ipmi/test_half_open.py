# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.crypto import SUITES
from ipmi.half_open import HalfOpen, HalfOpenTable
from ipmi.rakp import OpenSessionRequest

if TYPE_CHECKING:
    from ipmi.session import Source


def entry(session_id: int, address: str = "192.0.2.1", at: float = 0.0, port: int = 1) -> HalfOpen:
    request = OpenSessionRequest(session_id & 0xFF, 0, b"abcd", (3, 4, 1))
    source: Source = (address, port)
    return HalfOpen(session_id, request, SUITES[17], Privilege.ADMINISTRATOR, source, at, b"response")


def test_expires() -> None:
    table = HalfOpenTable(10, 5.0)
    table.add(entry(1, at=0.0))
    table.add(entry(2, at=3.0))
    assert table.get(1, 5.0) is not None
    assert table.get(1, 5.1) is None
    table.expire(8.1)
    assert len(table) == 0


def test_evicts_the_oldest_of_the_address_that_holds_most() -> None:
    table = HalfOpenTable(4, 60.0)
    assert not table.add(entry(1, "192.0.2.9"))
    for session_id in (2, 3, 4):
        assert not table.add(entry(session_id, "192.0.2.66"))
    assert table.add(entry(5, "192.0.2.66"))
    assert 1 in table
    assert 2 not in table
    assert {3, 4, 5} == {kept.session_id for kept in table} - {1}


def test_entries_of_known_users_go_last() -> None:
    table = HalfOpenTable(3, 60.0)
    admin = entry(1, "192.0.2.66")
    table.add(admin)
    table.promote(admin)
    for session_id in range(2, 40):
        table.add(entry(session_id, "192.0.2.66"))
    assert 1 in table
    assert len(table) == 3


def test_a_table_of_known_users_only_still_makes_room() -> None:
    table = HalfOpenTable(2, 60.0)
    for session_id in (1, 2, 3):
        made = entry(session_id)
        table.add(made)
        table.promote(made)
    assert {kept.session_id for kept in table} == {2, 3}


def test_repeat_is_recognised_from_the_same_port_only() -> None:
    table = HalfOpenTable(10, 60.0)
    first = entry(1, port=7)
    table.add(first)
    assert table.find_repeat(first.request, first.source) is first
    assert table.find_repeat(first.request, ("192.0.2.1", 8)) is None
    assert table.find_repeat(first.request._replace(tag=9), first.source) is first
    assert table.find_repeat(first.request._replace(console_id=b"other"), first.source) is None


def test_removal_leaves_nothing_behind() -> None:
    table = HalfOpenTable(10, 60.0)
    named, nameless = entry(1), entry(2)
    for made in (named, nameless):
        table.add(made)
    table.promote(named)
    for made in (named, nameless):
        table.remove(made)
        table.remove(made)
    assert len(table) == 0
    assert not table._named
    assert not table._nameless
