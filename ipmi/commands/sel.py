# SPDX-License-Identifier: Apache-2.0
"""System event log commands (IPMI 2.0 section 31)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi import timestamp
from ipmi.board import Privilege
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn
from ipmi.reservation import Reservation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipmi.board import Clock, EventLog
    from ipmi.dispatch import Answer
    from ipmi.request import Request

_SEL_VERSION = 0x51
_CAN_DELETE, _CAN_RESERVE, _OVERFLOWED = 0x08, 0x02, 0x80
_RECORD_LENGTH = 16
_FIRST, _LAST = 0x0000, 0xFFFF
_WHOLE_RECORD = 0xFF
_CLEAR_MAGIC = b"CLR"
_CLEAR_START, _CLEAR_STATUS = 0xAA, 0x00
_CLEAR_COMPLETE = b"\x01"
_UTC_UNSPECIFIED = 0x07FF
_UTC_LIMIT_MIN = 1440


class SelCommands:
    """The event log and its clock, which runs in UTC."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._reservation = Reservation()
        self._erased_at = log.info().erased_at

    def commands(self) -> tuple[Command, ...]:
        user, operator = Privilege.USER, Privilege.OPERATOR
        storage = NetFn.STORAGE
        return (
            Command(storage, 0x40, "Get SEL Info", user, self.info, 0, 0),
            Command(storage, 0x42, "Reserve SEL", user, self.reserve, 0, 0),
            Command(storage, 0x43, "Get SEL Entry", user, self.get, 6, 6),
            Command(storage, 0x44, "Add SEL Entry", operator, self.add, 16, 16, once=True),
            Command(storage, 0x46, "Delete SEL Entry", operator, self.delete, 4, 4, once=True),
            Command(storage, 0x47, "Clear SEL", operator, self.clear, 6, 6, once=True),
            Command(storage, 0x48, "Get SEL Time", user, self.get_time, 0, 0),
            Command(storage, 0x49, "Set SEL Time", operator, self.set_time, 4, 4),
            Command(storage, 0x5C, "Get SEL Time UTC Offset", user, self.get_utc_offset, 0, 0),
            Command(storage, 0x5D, "Set SEL Time UTC Offset", operator, self.set_utc_offset, 2, 2),
        )

    def info(self, request: Request) -> Answer:
        info = self._log.info()
        operations = _CAN_DELETE | _CAN_RESERVE | (_OVERFLOWED if info.overflow else 0)
        return (
            bytes((_SEL_VERSION,))
            + min(info.entries, 0xFFFF).to_bytes(2, "little")
            + min(info.free_bytes, 0xFFFF).to_bytes(2, "little")
            + timestamp.encode(info.added_at)
            + timestamp.encode(info.erased_at)
            + bytes((operations,))
        )

    def reserve(self, request: Request) -> Answer:
        return self._current_reservation().current

    def get(self, request: Request) -> Answer:
        data = request.data
        offset, count = data[4], data[5]
        if not self._current_reservation().holds(data[:2], needed=offset != 0):
            return Completion.RESERVATION_LOST
        ids = self._log.record_ids()
        index = _find(ids, int.from_bytes(data[2:4], "little"))
        record = None if index is None else self._log.record(ids[index])
        if index is None or record is None:
            return Completion.NOT_PRESENT
        if offset > _RECORD_LENGTH:
            return Completion.PARAMETER_OUT_OF_RANGE
        end = _RECORD_LENGTH if count == _WHOLE_RECORD else offset + count
        following = ids[index + 1] if index + 1 < len(ids) else _LAST
        return following.to_bytes(2, "little") + record[offset:end]

    async def add(self, request: Request) -> Answer:
        record_id = await self._log.add(request.data)
        return Completion.OUT_OF_SPACE if record_id is None else record_id.to_bytes(2, "little")

    async def delete(self, request: Request) -> Answer:
        if not self._current_reservation().holds(request.data[:2], needed=True):
            return Completion.RESERVATION_LOST
        ids = self._log.record_ids()
        index = _find(ids, int.from_bytes(request.data[2:4], "little"))
        if index is None:
            return Completion.NOT_PRESENT
        record_id = ids[index]
        self._reservation.cancel()
        if not await self._log.delete(record_id):
            return Completion.NOT_PRESENT
        return record_id.to_bytes(2, "little")

    async def clear(self, request: Request) -> Answer:
        """Clearing is over when it is answered, so the status is always `complete`."""
        reservation, magic, action = request.data[:2], request.data[2:5], request.data[5]
        if not self._current_reservation().holds(reservation, needed=True):
            return Completion.RESERVATION_LOST
        if magic != _CLEAR_MAGIC or action not in (_CLEAR_START, _CLEAR_STATUS):
            return Completion.INVALID_DATA
        if action == _CLEAR_START:
            self._reservation.cancel()
            await self._log.clear()
        return _CLEAR_COMPLETE

    def get_time(self, request: Request) -> Answer:
        return timestamp.encode(self._clock.now())

    async def set_time(self, request: Request) -> Answer:
        accepted = await self._clock.set(int.from_bytes(request.data, "little"))
        return b"" if accepted else Completion.NOT_IN_PRESENT_STATE

    def get_utc_offset(self, request: Request) -> Answer:
        minutes = self._clock.utc_offset_min()
        return (_UTC_UNSPECIFIED if minutes is None else minutes & 0xFFFF).to_bytes(2, "little")

    async def set_utc_offset(self, request: Request) -> Answer:
        """For clients that show local time; the SEL clock itself runs in UTC."""
        minutes = int.from_bytes(request.data, "little", signed=True)
        if minutes != _UTC_UNSPECIFIED and abs(minutes) > _UTC_LIMIT_MIN:
            return Completion.INVALID_DATA
        await self._clock.set_utc_offset(None if minutes == _UTC_UNSPECIFIED else minutes)
        return b""

    def _current_reservation(self) -> Reservation:
        """Void also when somebody else has erased records: the log is not ours alone."""
        erased_at = self._log.info().erased_at
        if erased_at != self._erased_at:
            self._erased_at = erased_at
            self._reservation.cancel()
        return self._reservation


def _find(ids: Sequence[int], wanted: int) -> int | None:
    """Index of a record id, where 0000h is the first and FFFFh the last record."""
    if not ids:
        return None
    if wanted == _FIRST:
        return 0
    if wanted == _LAST:
        return len(ids) - 1
    return ids.index(wanted) if wanted in ids else None
