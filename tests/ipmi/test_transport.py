# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipmi.commands.transport import TransportCommands
from ipmi.config import ServerConfig
from ipmi.request import Caller, Request

if TYPE_CHECKING:
    from .bench import Bench


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (0, "00"), (1, "00"), (2, "0000000000"), (3, "c0000211"), (4, "01"), (5, "0200c0000211"), (6, "ffffff00"),
        (7, "404010"), (12, "c0000201"), (22, "02"), (23, "001103"), (24, "00 4400000000000000"),
    ],
)  # fmt: skip
def test_get(bench: Bench, parameter: int, value: str) -> None:
    answer = bench.login().run(0x0C, 0x02, bytes([0x01, parameter, 0, 0]))
    assert answer == b"\0\x11" + bytes.fromhex(value)


def test_get_refusals(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x0C, 0x02, b"\x01\x37\0\0") == b"\x80"
    assert console.run(0x0C, 0x02, b"\x03\x03\0\0") == b"\xcc"
    assert console.run(0x0C, 0x02, b"\x81\x03\0\0") == b"\0\x11"


def test_set_is_refused(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x0C, 0x01, b"\x01\x03\x0a\0\0\x01") == b"\x82"
    assert console.run(0x0C, 0x01, b"\x01\x37\0") == b"\x80"
    assert console.run(0x0C, 0x01, b"\x04\x03\0") == b"\xcc"


def test_a_board_that_says_nothing_about_its_network() -> None:
    commands = TransportCommands(ServerConfig(), None)
    request = Request(0x0C, 0x02, b"\x01\x03\0\0", Caller(1, 2, b"admin", 4, 4, "192.0.2.1"))
    assert commands.get(request) == b"\x11\0\0\0\0"
