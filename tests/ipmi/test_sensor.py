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
    status = console.run(0x04, 0x2B, b"\x01")
    events = sum(1 << event for bit, event in enumerate((0, 2, 4, 7, 9, 11)) if bits >> bit & 1)
    assert status == b"\0\xc0" + events.to_bytes(2, "little") + b"\0\0"


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
    assert console.run(0x04, 0x25, b"\x01\xff") == b"\0\0\0"
    assert console.run(0x04, 0x29, b"\x01") == bytes.fromhex("00 c0 810a 810a")
    assert console.run(0x04, 0x29, b"\x10") == bytes.fromhex("00 c0 cf00 cf00")
    assert console.run(0x04, 0x2F, b"\x01") == b"\0\x01\x01"
    assert console.run(0x04, 0x2F, b"\x11") == b"\0\x09\x0b"


@pytest.mark.parametrize("command", [0x25, 0x27, 0x29, 0x2B, 0x2D, 0x2F])
def test_no_such_sensor(bench: Bench, command: int) -> None:
    assert bench.login().run(0x04, command, b"\x63") == b"\xcb"
