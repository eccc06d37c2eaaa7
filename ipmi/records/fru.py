# SPDX-License-Identifier: Apache-2.0
"""FRU inventory areas: common header, chassis, board and product (Platform Management FRU Information Storage 1.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipmi.message import checksum

if TYPE_CHECKING:
    from ipmi.board import BoardInfo, ChassisInfo, FruContent, ProductInfo

_FORMAT = 0x01
_ENGLISH = 25
_TEXT = 0xC0
_END = 0xC1
_MAXIMUM_TEXT = 63
_UNIT = 8
_HEADER_UNITS = 1
FRU_EPOCH_S: Final = 820_454_400
"""Board dates count minutes from 1996-01-01 00:00 UTC."""


def encode(content: FruContent) -> bytes:
    """The whole inventory as one image; each area and the header sum to zero."""
    areas = (_chassis(content.chassis), _board(content.board), _product(content.product))
    offset, offsets = _HEADER_UNITS, []
    for area in areas:
        offsets.append(offset)
        offset += len(area) // _UNIT
    header = bytes((_FORMAT, 0, *offsets, 0, 0))
    return header + bytes((checksum(header),)) + b"".join(areas)


def _chassis(info: ChassisInfo) -> bytes:
    return _area(bytes((info.chassis_type,)), (info.part_number, info.serial))


def _board(info: BoardInfo) -> bytes:
    minutes = max(0, info.manufactured_at - FRU_EPOCH_S) // 60 if info.manufactured_at else 0
    head = bytes((_ENGLISH,)) + min(minutes, 0xFFFFFF).to_bytes(3, "little")
    return _area(head, (info.manufacturer, info.product, info.serial, info.part_number, ""))


def _product(info: ProductInfo) -> bytes:
    texts = (info.manufacturer, info.name, info.part_number, info.version, info.serial, info.asset_tag, "")
    return _area(bytes((_ENGLISH,)), texts)


def _area(head: bytes, texts: tuple[str, ...]) -> bytes:
    body = head + b"".join(_field(text) for text in texts) + bytes((_END,))
    length = -(-(2 + len(body) + 1) // _UNIT)
    area = bytes((_FORMAT, length)) + body
    area = area.ljust(length * _UNIT - 1, b"\0")
    return area + bytes((checksum(area),))


def _field(text: str) -> bytes:
    """Type, length and text. One character alone would look like the end mark, so it gets a blank."""
    data = text.encode("latin-1", "replace")[:_MAXIMUM_TEXT]
    if len(data) == 1:
        data += b" "
    return bytes((_TEXT | len(data),)) + data
