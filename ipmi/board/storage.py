# SPDX-License-Identifier: Apache-2.0
"""The event log, its clock, the inventory, and stores of raw parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class SelInfo:
    entries: int
    free_bytes: int
    added_at: int
    erased_at: int
    overflow: bool


class EventLog(Protocol):
    """The system event log: 16-byte records, kept by the application."""

    def info(self) -> SelInfo: ...

    def record_ids(self) -> Sequence[int]:
        """Ids of all records, oldest first."""
        ...

    def record(self, record_id: int) -> bytes | None:
        """The 16 bytes of a record (its id in bytes 0-1), or None."""
        ...

    async def add(self, record: bytes) -> int | None:
        """Append a record (bytes 0-1 are ignored, the log gives the id); None when the log is full."""
        ...

    async def delete(self, record_id: int) -> bool: ...

    async def clear(self) -> None: ...


class Clock(Protocol):
    """The clock behind SEL time."""

    def now(self) -> int:
        """Seconds since 1970 (UTC)."""
        ...

    async def set(self, seconds: int) -> bool:
        """Set the SEL clock; False when the board does not allow that."""
        ...

    def utc_offset_min(self) -> int | None:
        """Minutes that local time lies from UTC, as a client has set it; None = not stated."""
        ...

    async def set_utc_offset(self, minutes: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class ChassisInfo:
    chassis_type: int = 0x17
    part_number: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class BoardInfo:
    manufacturer: str = ""
    product: str = ""
    serial: str = ""
    part_number: str = ""
    manufactured_at: int = 0
    """Seconds since 1970, 0 = not stated."""


@dataclass(frozen=True, slots=True)
class ProductInfo:
    manufacturer: str = ""
    name: str = ""
    part_number: str = ""
    version: str = ""
    serial: str = ""
    asset_tag: str = ""


@dataclass(frozen=True, slots=True)
class FruContent:
    """What the FRU area says, before it is encoded."""

    chassis: ChassisInfo
    board: BoardInfo
    product: ProductInfo


@dataclass(frozen=True, slots=True)
class FruDevice:
    """An inventory besides the board's own, for its FRU locator record."""

    fru_id: int
    name: str
    entity_id: int
    entity_instance: int


class Inventory(Protocol):
    def fru(self, fru_id: int) -> FruContent | None: ...

    def devices(self) -> Sequence[FruDevice]:
        """Inventories other than FRU 0. The list is constant while the server runs."""
        ...

    def written(self, fru_id: int) -> bytes | None:
        """The image that a client has left by writing; None = nobody wrote, the content counts."""
        ...

    async def write(self, fru_id: int, image: bytes) -> bool:
        """Keep a whole image; False when this inventory cannot be written."""
        ...


class ParameterStore(Protocol):
    """Where raw parameters live that clients write: boot options, system information and the like."""

    def get(self, parameter: int) -> bytes | None: ...

    async def set(self, parameter: int, data: bytes) -> None: ...
