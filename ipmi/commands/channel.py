# SPDX-License-Identifier: Apache-2.0
"""Channel commands: there is one channel, LAN, always available (IPMI 2.0 sections 22.22 to 22.24)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.channel import LAN_CHANNEL, is_lan_channel
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.dispatch import Answer
    from ipmi.request import Request
    from ipmi.sessions import SessionLayer

_MEDIUM_LAN = 0x04
_PROTOCOL_IPMB = 0x01
_MULTI_SESSION = 0x80
_IPMI_ENTERPRISE = b"\xf2\x1b\x00"
_ACCESS_ALWAYS_NO_ALERTS = 0x22
_SET_NOTHING, _SET_STORED, _SET_VOLATILE = 0x00, 0x40, 0x80


class ChannelAccessCode(enum.IntEnum):
    MODE_NOT_SUPPORTED = 0x83


class ChannelCommands:
    """What the channel is; its access mode is fixed."""

    def __init__(self, sessions: SessionLayer) -> None:
        self._sessions = sessions

    def commands(self) -> tuple[Command, ...]:
        user, app = Privilege.USER, NetFn.APP
        return (
            Command(app, 0x40, "Set Channel Access", Privilege.ADMINISTRATOR, self.set_access, 3, 3),
            Command(app, 0x41, "Get Channel Access", user, self.access, 2, 2),
            Command(app, 0x42, "Get Channel Info", user, self.info, 1, 1),
        )

    def set_access(self, request: Request) -> Answer:
        """Only what is so already: a channel that is switched off could not be switched on again over itself."""
        channel, mode, limit = request.data
        if not is_lan_channel(channel) or 0xC0 in (mode & 0xC0, limit & 0xC0):
            return Completion.INVALID_DATA
        if mode & 0xC0 != _SET_NOTHING and mode & 0x3F != _ACCESS_ALWAYS_NO_ALERTS:
            return ChannelAccessCode.MODE_NOT_SUPPORTED
        if limit & 0xC0 != _SET_NOTHING and limit & 0x0F != Privilege.ADMINISTRATOR:
            return Completion.INVALID_DATA
        return b""

    def access(self, request: Request) -> Answer:
        channel, which = request.data
        if not is_lan_channel(channel) or which & 0xC0 not in (_SET_STORED, _SET_VOLATILE):
            return Completion.INVALID_DATA
        return bytes((_ACCESS_ALWAYS_NO_ALERTS, Privilege.ADMINISTRATOR))

    def info(self, request: Request) -> Answer:
        if not is_lan_channel(request.data[0]):
            return Completion.INVALID_DATA
        active = min(len(self._sessions.sessions()), 0x3F)
        return bytes((LAN_CHANNEL, _MEDIUM_LAN, _PROTOCOL_IPMB, _MULTI_SESSION | active)) + _IPMI_ENTERPRISE + bytes(2)
