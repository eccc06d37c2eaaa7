# SPDX-License-Identifier: Apache-2.0
"""Event commands: platform event messages, event receiver, and what there is of PEF (IPMI 2.0 sections 29 and 30)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ipmi import timestamp
from ipmi.board import Privilege
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import BMC_ADDRESS, NetFn

if TYPE_CHECKING:
    from ipmi.board import Clock, EventLog
    from ipmi.dispatch import Answer
    from ipmi.request import Request

_SYSTEM_EVENT = 0x02
_PEF_VERSION = 0x51
_REVISION = 0x11
_REVISION_ONLY = 0x80
_NO_RECORD = 0xFFFF
_SOFTWARE_ID = 0x41
"""Generator of events that come over the LAN: system management software."""
_PEF_PARAMETERS = {0: b"\0", 1: b"\0", 2: b"\0", 5: b"\0", 8: b"\0"}
"""Nothing in progress, PEF off, no actions, no filters, no alert policies."""


class PefCode(enum.IntEnum):
    UNSUPPORTED_PARAMETER = 0x80
    READ_ONLY = 0x82


class EventCommands:
    """Events that clients send go into the log. Platform event filtering does not exist, and says so."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def commands(self) -> tuple[Command, ...]:
        user, operator, administrator = Privilege.USER, Privilege.OPERATOR, Privilege.ADMINISTRATOR
        sensor = NetFn.SENSOR
        return (
            Command(sensor, 0x00, "Set Event Receiver", administrator, self.set_receiver, 2, 2),
            Command(sensor, 0x01, "Get Event Receiver", user, self.receiver, 0, 0),
            Command(sensor, 0x02, "Platform Event", operator, self.platform_event, 7, 7, once=True),
            Command(sensor, 0x10, "Get PEF Capabilities", user, self.pef_capabilities, 0, 0),
            Command(sensor, 0x12, "Set PEF Configuration Parameters", administrator, self.set_pef, 1),
            Command(sensor, 0x13, "Get PEF Configuration Parameters", operator, self.pef, 3, 3),
            Command(sensor, 0x15, "Get Last Processed Event ID", user, self.last_processed, 0, 0),
        )

    def set_receiver(self, request: Request) -> Answer:
        """This controller is the receiver; only that may be set."""
        return b"" if request.data[0] == BMC_ADDRESS and request.data[1] & 3 == 0 else Completion.INVALID_DATA

    def receiver(self, request: Request) -> Answer:
        return bytes((BMC_ADDRESS, 0))

    async def platform_event(self, request: Request) -> Answer:
        """Over the LAN: format revision, sensor type, number, direction and type, event data 1 to 3."""
        data = request.data
        record = bytes(2) + bytes((_SYSTEM_EVENT,)) + timestamp.encode(self._clock.now())
        stored = await self._log.add(record + bytes((_SOFTWARE_ID, 0)) + data)
        return Completion.OUT_OF_SPACE if stored is None else b""

    def pef_capabilities(self, request: Request) -> Answer:
        return bytes((_PEF_VERSION, 0, 0))

    def last_processed(self, request: Request) -> Answer:
        """Time and id of the newest record, and that nobody has processed any."""
        ids = self._log.record_ids()
        newest = ids[-1] if ids else _NO_RECORD
        return timestamp.encode(self._log.info().added_at) + newest.to_bytes(2, "little") + bytes(4)

    def set_pef(self, request: Request) -> Answer:
        return PefCode.READ_ONLY if request.data[0] & 0x7F in _PEF_PARAMETERS else PefCode.UNSUPPORTED_PARAMETER

    def pef(self, request: Request) -> Answer:
        value = _PEF_PARAMETERS.get(request.data[0] & 0x7F)
        if value is None:
            return PefCode.UNSUPPORTED_PARAMETER
        return bytes((_REVISION,)) + (b"" if request.data[0] & _REVISION_ONLY else value)
