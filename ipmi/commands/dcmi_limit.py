# SPDX-License-Identifier: Apache-2.0
"""DCMI power limit (DCMI 1.5 sections 6.6.2 to 6.6.4)."""

from __future__ import annotations

import enum
import struct
from typing import TYPE_CHECKING

from ipmi.board import PowerLimitSetting, Privilege
from ipmi.commands.dcmi import DCMI
from ipmi.completion import Completion
from ipmi.dispatch import Coded, Command
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.board import PowerLimit
    from ipmi.dispatch import Answer
    from ipmi.request import Request

_NO_ACTION, _POWER_OFF, _LOG_ONLY = 0x00, 0x01, 0x11
_FIELDS = struct.Struct("<BHI2xH")
"""Exception action, watts, correction time in ms, reserved, statistics sampling period in s."""


class PowerLimitCode(enum.IntEnum):
    NO_LIMIT = 0x80
    LIMIT_OUT_OF_RANGE = 0x84
    CORRECTION_OUT_OF_RANGE = 0x85
    SAMPLING_OUT_OF_RANGE = 0x89


class DcmiLimitCommands:
    """The limit of the power supplies, where the board has some. A power-off as exception action is refused: an
    estimate over seconds must not cut a host."""

    def __init__(self, limit: PowerLimit | None) -> None:
        self._limit = limit

    def commands(self) -> tuple[Command, ...]:
        rows = (
            (0x03, "Get Power Limit", Privilege.USER, self.get, 2),
            (0x04, "Set Power Limit", Privilege.OPERATOR, self.set, 14),
            (0x05, "Activate Power Limit", Privilege.OPERATOR, self.activate, 3),
        )
        return tuple(
            Command(NetFn.GROUP, code, name, privilege, handler, length, length, DCMI)
            for code, name, privilege, handler, length in rows
        )

    def get(self, request: Request) -> Answer:
        """Clients read the fields also behind code 80h; ipmitool changes one of them and sends all back."""
        if self._limit is None:
            return Coded(PowerLimitCode.NO_LIMIT, bytes(13))
        setting = self._limit.setting() or PowerLimitSetting(0, True, self._limit.least_correction_ms, 1)
        action = _LOG_ONLY if setting.logs else _NO_ACTION
        fields = bytes(2) + _FIELDS.pack(action, setting.watts, setting.correction_ms, setting.sampling_s)
        return fields if self._limit.active() else Coded(PowerLimitCode.NO_LIMIT, fields)

    async def set(self, request: Request) -> Answer:
        if self._limit is None:
            return Completion.NOT_IN_PRESENT_STATE
        action, watts, correction_ms, sampling_s = _FIELDS.unpack(request.data[3:])
        if action not in (_NO_ACTION, _LOG_ONLY):
            return Completion.INVALID_DATA
        if watts == 0:
            return PowerLimitCode.LIMIT_OUT_OF_RANGE
        if correction_ms < self._limit.least_correction_ms:
            return PowerLimitCode.CORRECTION_OUT_OF_RANGE
        if sampling_s == 0:
            return PowerLimitCode.SAMPLING_OUT_OF_RANGE
        setting = PowerLimitSetting(watts, action == _LOG_ONLY, correction_ms, sampling_s)
        done = await self._limit.set(setting, request.caller.origin)
        return b"" if done else Completion.UNSPECIFIED

    async def activate(self, request: Request) -> Answer:
        """Switching off what is off is done."""
        active = bool(request.data[0])
        if self._limit is None or self._limit.setting() is None:
            return Completion.NOT_IN_PRESENT_STATE if active else b""
        done = await self._limit.activate(active, request.caller.origin)
        return b"" if done else Completion.UNSPECIFIED
