# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipmi.board import RankAlgorithm, RedundancySettings

from .bench import Bench
from .memory_board import MemoryRedundancy

if TYPE_CHECKING:
    from .console import Console

SET, GET = 0x2D, 0x2E


def set_(console: Console, data: str) -> str:
    return console.run(0x30, SET, bytes.fromhex(data)).hex(" ")


def get(console: Console, selector: int) -> str:
    return console.run(0x30, GET, bytes([selector])).hex(" ")


@pytest.mark.parametrize(
    ("selector", "answer"),
    [
        (0x00, "00 00 00"),
        (0x01, "00 01 01"),
        (0x02, "00 02 01"),
        (0x03, "00 03 00 01 02"),
        (0x04, "00 04 80 3a 09 00"),
        (0x05, "00 05 02"),
        (0x06, "00 06 01 02"),
        (0x07, "80"),
        (0xFF, "80"),
    ],
)
def test_get(bench: Bench, selector: int, answer: str) -> None:
    assert get(bench.login(name=b"guest", role=2), selector) == answer


@pytest.mark.parametrize(
    ("request_", "selector", "answer"),
    [
        ("01 00", 0x01, "00 01 00"),
        ("02 00", 0x02, "00 02 00"),
        ("03 01 02 01", 0x03, "00 03 01 02 01"),
        ("03 01 00 01", 0x03, "00 03 01 00 01"),
        ("03 00", 0x03, "00 03 00 01 02"),
        ("04 80 51 01 00", 0x04, "00 04 80 51 01 00"),
        ("04 00 37 f5 00", 0x04, "00 04 00 37 f5 00"),
    ],
)
def test_set(bench: Bench, request_: str, selector: int, answer: str) -> None:
    console = bench.login(name=b"oper", role=3)
    assert set_(console, request_) == "00 00"
    assert get(console, selector) == answer
    assert bench.parts.redundancy.applied[0][1] == "ipmi:oper@192.0.2.1"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ("00 00", "80"), ("05 02", "80"), ("06 01 02", "80"), ("07 00", "80"), ("ff", "80"),
        ("", "c7"), ("01", "c7"), ("01 00 00", "c7"), ("02", "c7"), ("02 01 01", "c7"),
        ("03", "c7"), ("03 00 01 02", "c7"), ("03 01", "c7"), ("03 01 01", "c7"), ("03 01 01 02 03", "c7"),
        ("04", "c7"), ("04 80 51 01", "c7"), ("04 80 51 01 00 00", "c7"),
        ("01 02", "cc"), ("02 ff", "cc"), ("03 02 01 02", "cc"), ("03 01 01 03", "cc"), ("03 01 01 01", "cc"),
        ("03 01 00 00", "cc"), ("04 7f 51 01 00", "cc"), ("04 01 37 f5 00", "cc"), ("04 00 00 00 00", "cc"),
        ("04 ff ff ff ff", "cc"),
    ],
)  # fmt: skip
def test_refused_and_nothing_changed(bench: Bench, request_: str, code: str) -> None:
    before = bench.parts.redundancy.current
    assert set_(bench.login(), request_) == code
    assert bench.parts.redundancy.current == before
    assert not bench.parts.redundancy.applied


@pytest.mark.parametrize("length", [0, 2])
def test_get_takes_one_byte(bench: Bench, length: int) -> None:
    assert bench.login().run(0x30, GET, bytes(length)) == b"\xc7"


def test_no_supplies() -> None:
    bench = Bench()
    bench.parts.redundancy.supplies = 0
    console = bench.login()
    for selector in range(7):
        assert get(console, selector) == "ce"
    for request in ("01 01", "02 01", "03 00", "03 01", "04 80 51 01 00"):
        assert set_(console, request) == "ce"
    assert set_(console, "00 00") == "80"
    assert not bench.parts.redundancy.applied
    bench.close()


def test_service_that_cannot_be_reached(bench: Bench) -> None:
    bench.parts.redundancy.reachable = False
    console = bench.login()
    assert get(console, 1) == "ce"
    assert set_(console, "01 01") == "ce"


def test_settings_that_could_not_be_stored(bench: Bench) -> None:
    class Unwritable(MemoryRedundancy):
        async def apply(self, settings: RedundancySettings, origin: str) -> bool:
            return False

    bench.parts.redundancy.__class__ = Unwritable
    assert set_(bench.login(), "01 00") == "ce"


def test_users_may_look_but_not_touch(bench: Bench) -> None:
    console = bench.login(name=b"guest", role=2)
    assert set_(console, "01 00") == "d4"
    assert bench.parts.redundancy.current.enabled


def test_one_field_at_a_time(bench: Bench) -> None:
    console = bench.login()
    for request in ("02 00", "03 01 02 01", "04 80 51 01 00", "01 00"):
        assert set_(console, request) == "00 00"
    assert bench.parts.redundancy.current == RedundancySettings(
        False, False, RankAlgorithm.USER_SPECIFIC, (2, 1), 86_400
    )


def test_a_retry_is_not_applied_twice(bench: Bench) -> None:
    console = bench.login()
    assert set_(console, "01 00") == set_(console, "01 00") == "00 00"
    assert len(bench.parts.redundancy.applied) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.binary(max_size=8))
def test_any_request_leaves_sound_settings(bench: Bench, data: bytes) -> None:
    """Also a request of random bytes either changes one field to a legal value or nothing."""
    before = bench.parts.redundancy.current
    answer = bench.login().run(0x30, SET, data)
    after = bench.parts.redundancy.current
    assert answer in (b"\0\0", b"\x80", b"\xc7", b"\xcc")
    assert answer == b"\0\0" or after == before
    assert 86_400 <= after.period_s <= 16_070_400
    assert sorted(after.ranks) in ([1, 2], [0, 1], [0, 2])
