# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ipmi.board import BoardInfo, ChassisInfo, FruContent, ProductInfo
from ipmi.records import fru

from .memory_board import FRU

if TYPE_CHECKING:
    from .bench import Bench


def areas(image: bytes) -> list[bytes]:
    """The areas of an image, found and checked the way a reader does it."""
    assert image[0] == 1
    assert sum(image[:8]) % 256 == 0
    found = []
    for start in image[2:5]:
        length = image[start * 8 + 1] * 8
        area = image[start * 8 : start * 8 + length]
        assert len(area) == length
        assert sum(area) % 256 == 0
        found.append(area)
    return found


def texts(area: bytes, start: int) -> list[str]:
    found = []
    while area[start] != 0xC1:
        length = area[start] & 0x3F
        found.append(area[start + 1 : start + 1 + length].decode("latin-1"))
        start += 1 + length
    return found


def test_image() -> None:
    chassis, board, product = areas(fru.encode(FRU))
    assert chassis[2] == 0x17
    assert texts(chassis, 3) == ["CH-100", "C0001"]
    assert board[2] == 25
    assert int.from_bytes(board[3:6], "little") * 60 + 820_454_400 == 1_700_000_040
    assert texts(board, 6) == ["pgood tests", "Memory board", "B0001", "MB-1", ""]
    assert texts(product, 3) == ["pgood tests", "Memory machine", "MM-1", "A ", "P0001", "rack 7", ""]


def test_no_date() -> None:
    _, board, _ = areas(fru.encode(FruContent(ChassisInfo(), BoardInfo(), ProductInfo())))
    assert board[3:6] == bytes(3)


@given(st.text(max_size=80), st.text(max_size=80), st.integers(0, 2**40))
def test_any_text_gives_a_sound_image(text: str, other: str, date: int) -> None:
    content = FruContent(
        ChassisInfo(0x11, text, other), BoardInfo(text, other, text, other, date), ProductInfo(*[text] * 6)
    )
    chassis, _, _ = areas(fru.encode(content))
    expected = text.encode("latin-1", "replace")[:63].decode("latin-1")
    assert texts(chassis, 3)[0] == (expected + " " if len(expected) == 1 else expected)


def test_reads(bench: Bench) -> None:
    console = bench.login()
    image = fru.encode(FRU).ljust(512, b"\0")
    info = console.run(0x0A, 0x10, b"\0")
    assert info == b"\0" + len(image).to_bytes(2, "little") + b"\0"
    assert console.run(0x0A, 0x11, b"\0\0\0\xff") == b"\0" + bytes([min(255, len(image))]) + image[:255]
    pieces = [
        console.run(0x0A, 0x11, bytes([0]) + offset.to_bytes(2, "little") + bytes([16]))
        for offset in range(0, len(image), 16)
    ]
    assert b"".join(piece[2:] for piece in pieces) == image


def test_out_of_range(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x0A, 0x10, b"\x02") == b"\xcb"
    assert console.run(0x0A, 0x11, b"\x02\0\0\x08") == b"\xcb"
    assert console.run(0x0A, 0x11, b"\0\xff\x7f\x08") == b"\xc9"
    assert console.run(0x0A, 0x12, b"\x01\xff\x01\x08\x08") == b"\xc9"
    assert console.run(0x0A, 0x12, b"\x05\0\0\x08") == b"\xcb"


def test_every_area_can_be_written(bench: Bench) -> None:
    """As ipmitool does it: in pieces, the checksums with them."""
    console = bench.login()
    image = fru.encode(FRU).ljust(512, b"\0")
    other = fru.encode(
        FruContent(
            ChassisInfo(0x17, "CH-200", "C0002"), BoardInfo("others", "Board", "B2", "MB-2"), ProductInfo("others")
        )
    ).ljust(512, b"\0")
    for offset in range(0, 512, 16):
        part = other[offset : offset + 16]
        assert console.run(0x0A, 0x12, b"\0" + offset.to_bytes(2, "little") + part) == b"\0\x10"
    assert bench.parts.inventory.images[0] == other != image
    assert b"CH-200" in console.run(0x0A, 0x11, b"\0\0\0\xff")


def test_what_is_not_changed_is_not_kept(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x0A, 0x12, b"\0\0\0" + fru.encode(FRU)[:16]) == b"\0\x10"
    assert bench.parts.inventory.images == {}


def test_a_supply_has_its_own_memory(bench: Bench) -> None:
    assert bench.login().run(0x0A, 0x12, b"\x01\0\0\xff") == b"\x80"
    assert bench.parts.inventory.images == {}
