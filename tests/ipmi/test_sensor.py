# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .bench import Bench


def test_analog_reading(bench: Bench) -> None:
    """24 degrees with a step of 0.5 from -20: raw 88."""
    assert bench.login().run(0x04, 0x2D, b"\x01") == bytes([0, 88, 0xC0, 0xC0])


@pytest.mark.parametrize(
    ("celsius", "bits"),
    [(-5, 0x01), (0, 0x01), (0.5, 0), (39.5, 0), (40, 0x08), (45, 0x18), (50, 0x38), (99, 0x38)],
)
def test_crossed_thresholds(bench: Bench, celsius: float, bits: int) -> None:
    bench.parts.sensors.values[1] = celsius
    console = bench.login()
    assert console.run(0x04, 0x2D, b"\x01")[3] == 0xC0 | bits


def test_unavailable(bench: Bench) -> None:
    """Never a stale value: bit 5 says that there is none."""
    bench.parts.sensors.values[1] = None
    bench.parts.sensors.offsets[16] = None
    console = bench.login()
    assert console.run(0x04, 0x2D, b"\x01") == bytes([0, 0, 0xE0, 0xC0])
    assert console.run(0x04, 0x2D, b"\x10") == bytes([0, 0, 0xE0, 0, 0x80])
    assert console.run(0x04, 0x2B, b"\x01") == bytes([0, 0xE0, 0, 0, 0, 0])
    assert console.run(0x04, 0x2B, b"\x10") == bytes([0, 0xE0, 0, 0, 0, 0])


def test_discrete_reading(bench: Bench) -> None:
    bench.parts.sensors.offsets[16] = 0x4083
    console = bench.login()
    assert console.run(0x04, 0x2D, b"\x10") == bytes([0, 0, 0xC0, 0x83, 0xC0])
    assert console.run(0x04, 0x2B, b"\x10") == bytes([0, 0xC0, 0x83, 0x40, 0, 0])


def test_thresholds(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x04, 0x27, b"\x01") == bytes([0, 0x39, 40, 0, 0, 120, 130, 140])
    assert console.run(0x04, 0x27, b"\x04") == bytes([0, 0, 0, 0, 0, 0, 0, 0])
    assert console.run(0x04, 0x27, b"\x10") == b"\xcb"


def test_the_rest(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x04, 0x25, b"\x01\xff") == b"\0\x04\x04", "2 degrees in steps of half a degree"
    assert console.run(0x04, 0x25, b"\x10\xff") == b"\0\0\0"
    assert console.run(0x04, 0x29, b"\x01") == bytes.fromhex("00 c0 810a 810a")
    assert console.run(0x04, 0x29, b"\x10") == bytes.fromhex("00 c0 cf00 cf00")
    assert console.run(0x04, 0x2F, b"\x01") == b"\0\x01\x01"
    assert console.run(0x04, 0x2F, b"\x11") == b"\0\x09\x0b"


@pytest.mark.parametrize("command", [0x25, 0x27, 0x29, 0x2B, 0x2D, 0x2F])
def test_no_such_sensor(bench: Bench, command: int) -> None:
    assert bench.login().run(0x04, command, b"\x63") == b"\xcb"


def test_event_status_is_what_the_board_has_debounced(bench: Bench) -> None:
    assert bench.login().run(0x04, 0x2B, b"\x01") == bytes.fromhex("00 c0 8000 0100")


def test_set_thresholds(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x04, 0x26, bytes([1, 0x08, 0, 0, 0, 110, 0, 0])) == b"\0"
    assert bench.parts.sensors.limits[1].upper_non_critical == 35.0
    assert bench.parts.sensors.limits[1].upper_critical == 45
    assert console.run(0x04, 0x27, b"\x01") == bytes([0, 0x39, 40, 0, 0, 110, 130, 140])
    assert console.run(0x04, 0x26, bytes([1, 0x08, 0, 0, 0, 131, 0, 0])) == b"\xcc", "warning above critical"
    assert console.run(0x04, 0x26, bytes([1, 0x02, 0, 9, 0, 0, 0, 0])) == b"\xcc", "a limit that it does not have"
    assert console.run(0x04, 0x26, bytes([2, 0x10, 0, 0, 0, 0, 9, 0])) == b"\xcc", "not settable"
    assert console.run(0x04, 0x26, bytes([16, 0x10, 0, 0, 0, 0, 9, 0])) == b"\xcb"
    assert bench.parts.sensors.limits[1].upper_non_critical == 35.0


def test_set_hysteresis(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x04, 0x24, b"\x01\xff\x06\x02") == b"\0"
    assert console.run(0x04, 0x25, b"\x01\xff") == b"\0\x06\x02"
    assert bench.parts.sensors.spans[1].rising == 3.0
    assert console.run(0x04, 0x24, b"\x02\xff\x06\x02") == b"\xcc"
    assert console.run(0x04, 0x24, b"\x10\xff\x06\x02") == b"\xcb"


def test_event_switches(bench: Bench) -> None:
    """Bits 5:4 of the second byte: 10b takes the named events away, 01b adds them, 00b changes only the switches."""
    console = bench.login()
    assert console.run(0x04, 0x28, bytes.fromhex("01 e0 8000 0000")) == b"\0"
    assert console.run(0x04, 0x29, b"\x01") == bytes.fromhex("00 c0 010a 810a")
    assert console.run(0x04, 0x28, bytes.fromhex("01 d0 8000 ff7f")) == b"\0"
    assert console.run(0x04, 0x29, b"\x01") == bytes.fromhex("00 c0 810a 810a"), "events it does not have stay off"
    assert console.run(0x04, 0x28, b"\x01\x80") == b"\0"
    assert console.run(0x04, 0x29, b"\x01")[1] == 0x80
    assert console.run(0x04, 0x2D, b"\x01") == bytes([0, 0, 0xA0, 0xC0]), "scanning is off: no reading"
    assert console.run(0x04, 0x28, b"\x01\xf0") == b"\xcc"
    assert console.run(0x04, 0x28, b"\x10\xc0") == b"\xcc"
    assert console.run(0x04, 0x28, b"\x63\xc0") == b"\xcb"


def test_rearm(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x04, 0x2A, b"\x01\x00") == b"\0"
    assert bench.parts.sensors.rearmed == [1]
    assert console.run(0x04, 0x2A, b"\x63\x00") == b"\xcb"


def test_a_source_of_events_has_no_reading(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x04, 0x2D, b"\x12") == b"\xcb"
    assert console.run(0x04, 0x2F, b"\x12") == b"\0\x13\x6f"
    assert console.run(0x04, 0x2B, b"\x12") == bytes.fromhex("00 c0 0000 0000")


def test_platform_event_is_logged_once(bench: Bench) -> None:
    console = bench.login()
    event = bytes.fromhex("04 01 30 01 59 50 48")
    assert console.run(0x04, 0x02, event) == b"\0"
    assert console.run(0x04, 0x02, event) == b"\0", "a retry"
    log = bench.parts.event_log
    assert [log.record(number)[7:] for number in log.record_ids()] == [bytes.fromhex("41 00") + event]  # type: ignore[index]


def test_pef_says_that_it_is_not_there(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x04, 0x10) == b"\0\x51\0\0"
    assert console.run(0x04, 0x13, b"\x05\0\0") == b"\0\x11\0"
    assert console.run(0x04, 0x13, b"\x85\0\0") == b"\0\x11"
    assert console.run(0x04, 0x13, b"\x0c\0\0") == b"\x80"
    assert console.run(0x04, 0x12, b"\x01\x01") == b"\x82"
    assert console.run(0x04, 0x12, b"\x0c\x01") == b"\x80"
    assert console.run(0x04, 0x01) == b"\0\x20\0"
    assert console.run(0x04, 0x00, b"\x20\0") == b"\0"
    assert console.run(0x04, 0x00, b"\x81\0") == b"\xcc"
    assert console.run(0x04, 0x15)[5:7] == b"\xff\xff"
