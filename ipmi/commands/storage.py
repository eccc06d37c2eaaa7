# SPDX-License-Identifier: Apache-2.0
"""Storage commands of the SDR repository and the FRU inventory (IPMI 2.0 sections 33 and 34)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ipmi import timestamp
from ipmi.board import Privilege
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn
from ipmi.records import fru
from ipmi.reservation import Reservation

if TYPE_CHECKING:
    from ipmi.board import Clock, FruContent, Inventory
    from ipmi.dispatch import Answer
    from ipmi.records.repository import Repository
    from ipmi.request import Request

_SDR_VERSION = 0x51
_CAN_RESERVE = 0x02
_WHOLE_RECORD = 0xFF
_READ_BY_BYTES = 0


FRU_SIZE = 512
"""Bytes of an inventory as clients see it: what follows the areas is room for longer texts."""


class WriteFruCode(enum.IntEnum):
    WRITE_PROTECTED = 0x80


class StorageCommands:
    """Records that clients read: sensors and inventory."""

    def __init__(self, repository: Repository, inventory: Inventory, clock: Clock) -> None:
        self._repository = repository
        self._inventory = inventory
        self._clock = clock
        self._reservation = Reservation()
        self._images: dict[int, tuple[FruContent, bytes]] = {}

    def commands(self) -> tuple[Command, ...]:
        user, operator = Privilege.USER, Privilege.OPERATOR
        storage = NetFn.STORAGE
        return (
            Command(storage, 0x10, "Get FRU Inventory Area Info", user, self.fru_info, 1, 1),
            Command(storage, 0x11, "Read FRU Data", user, self.read_fru, 4, 4),
            Command(storage, 0x12, "Write FRU Data", operator, self.write_fru, 3),
            Command(storage, 0x20, "Get SDR Repository Info", user, self.repository_info, 0, 0),
            Command(storage, 0x22, "Reserve SDR Repository", user, self.reserve, 0, 0),
            Command(storage, 0x23, "Get SDR", user, self.get_sdr, 6, 6),
            Command(storage, 0x28, "Get SDR Repository Time", user, self.repository_time, 0, 0),
        )

    def repository_info(self, request: Request) -> Answer:
        changed = timestamp.encode(self._repository.changed_at())
        count = len(self._repository).to_bytes(2, "little")
        return bytes((_SDR_VERSION,)) + count + bytes(2) + changed + changed + bytes((_CAN_RESERVE,))

    def reserve(self, request: Request) -> Answer:
        return self._reservation.current

    def get_sdr(self, request: Request) -> Answer:
        data = request.data
        record_id, offset, count = int.from_bytes(data[2:4], "little"), data[4], data[5]
        if not self._reservation.holds(data[:2], needed=offset != 0):
            return Completion.RESERVATION_LOST
        found = self._repository.record(record_id)
        if found is None:
            return Completion.NOT_PRESENT
        record, following = found
        if offset > len(record):
            return Completion.PARAMETER_OUT_OF_RANGE
        end = len(record) if count == _WHOLE_RECORD else offset + count
        return following.to_bytes(2, "little") + record[offset:end]

    def repository_time(self, request: Request) -> Answer:
        return timestamp.encode(self._clock.now())

    def fru_info(self, request: Request) -> Answer:
        image = self._image(request.data[0])
        if image is None:
            return Completion.NOT_PRESENT
        return len(image).to_bytes(2, "little") + bytes((_READ_BY_BYTES,))

    def read_fru(self, request: Request) -> Answer:
        image = self._image(request.data[0])
        if image is None:
            return Completion.NOT_PRESENT
        offset, count = int.from_bytes(request.data[1:3], "little"), request.data[3]
        if offset >= len(image):
            return Completion.PARAMETER_OUT_OF_RANGE
        part = image[offset : offset + count]
        return bytes((len(part),)) + part

    async def write_fru(self, request: Request) -> Answer:
        """Any byte, as of a memory chip: clients rewrite areas in pieces and put their checksums right at the end."""
        fru_id, data = request.data[0], request.data[3:]
        image, offset = self._image(fru_id), int.from_bytes(request.data[1:3], "little")
        if image is None:
            return Completion.NOT_PRESENT
        if offset + len(data) > len(image):
            return Completion.PARAMETER_OUT_OF_RANGE
        written = image[:offset] + data + image[offset + len(data) :]
        if written != image and not await self._inventory.write(fru_id, written):
            return WriteFruCode.WRITE_PROTECTED
        return bytes((len(data),))

    def _image(self, fru_id: int) -> bytes | None:
        """The encoded inventory, kept as long as its content stays the same."""
        content = self._inventory.fru(fru_id)
        if content is None:
            return None
        written = self._inventory.written(fru_id)
        if written is not None:
            return written
        kept = self._images.get(fru_id)
        if kept is None or kept[0] != content:
            kept = self._images[fru_id] = (content, fru.encode(content).ljust(FRU_SIZE, b"\0"))
        return kept[1]
