# SPDX-License-Identifier: Apache-2.0
"""Commands that set up and end sessions (IPMI 2.0 sections 22.13 to 22.20)."""

from __future__ import annotations

import enum
import ipaddress
from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.channel import LAN_CHANNEL, is_lan_channel
from ipmi.completion import Completion
from ipmi.crypto import SUITES
from ipmi.dispatch import Command
from ipmi.message import NetFn
from ipmi.sessions import CLOSE_SESSION

if TYPE_CHECKING:
    from ipmi.config import ServerConfig
    from ipmi.dispatch import Answer
    from ipmi.request import Request
    from ipmi.session import Session
    from ipmi.sessions import SessionLayer

_V2_DATA = 0x80
_KG_SET = 0x20
_NAMED_USERS = 0x04
_IPMI_2_0_ONLY = 0x02
_RECORDS_PER_PAGE = 16
_PROTOCOL_2_0 = 0x10
_MAC_UNKNOWN = bytes(6)
_BY_HANDLE = 0xFE
_BY_ID = 0xFF


class SetPrivilegeCode(enum.IntEnum):
    EXCEEDS_LIMIT = 0x81


class CloseSessionCode(enum.IntEnum):
    INVALID_ID = 0x87
    INVALID_HANDLE = 0x88


class SessionCommands:
    """Discovery before a login, privilege and life of the session after it."""

    def __init__(self, sessions: SessionLayer, config: ServerConfig) -> None:
        self._sessions = sessions
        self._kg_flag = _KG_SET if config.kg is not None else 0
        self._records = b"".join(SUITES[number].record for number in config.suites)
        self._numbers = bytes(config.suites)

    def commands(self) -> tuple[Command, ...]:
        user = Privilege.USER
        return (
            Command(NetFn.APP, 0x38, "Get Channel Authentication Capabilities", None, self.capabilities, 2, 2),
            Command(NetFn.APP, 0x54, "Get Channel Cipher Suites", None, self.cipher_suites, 3, 3),
            Command(NetFn.APP, 0x3B, "Set Session Privilege Level", Privilege.CALLBACK, self.set_privilege, 1, 1),
            Command(NetFn.APP, CLOSE_SESSION, "Close Session", Privilege.CALLBACK, self.close, 4, 5),
            Command(NetFn.APP, 0x3D, "Get Session Info", user, self.info, 1, 5),
        )

    def capabilities(self, request: Request) -> Answer:
        """No authentication type of IPMI 1.5 is offered: its clients give up at once instead of waiting."""
        if not is_lan_channel(request.data[0]):
            return Completion.INVALID_DATA
        if not Privilege.CALLBACK <= request.data[1] & 0x0F <= Privilege.ADMINISTRATOR:
            return Completion.INVALID_DATA
        return bytes((LAN_CHANNEL, _V2_DATA, self._kg_flag | _NAMED_USERS, _IPMI_2_0_ONLY, 0, 0, 0, 0))

    def cipher_suites(self, request: Request) -> Answer:
        """Pages of 16 bytes; the last one is shorter, which ends the client's loop."""
        channel, _, index = request.data
        if not is_lan_channel(channel):
            return Completion.INVALID_DATA
        listed = self._records if index & 0x80 else self._algorithms()
        start = (index & 0x3F) * _RECORDS_PER_PAGE
        return bytes((LAN_CHANNEL,)) + listed[start : start + _RECORDS_PER_PAGE]

    def set_privilege(self, request: Request) -> Answer:
        level = request.data[0] & 0x0F
        session = self._sessions.find(request.caller.session_id)
        if session is None:
            return Completion.NOT_IN_PRESENT_STATE
        if level == 0:
            return bytes((request.caller.privilege,))
        if level > Privilege.ADMINISTRATOR or level == Privilege.CALLBACK:
            return Completion.INVALID_DATA
        if level > request.caller.limit:
            return SetPrivilegeCode.EXCEEDS_LIMIT
        session.set_privilege(level)
        return bytes((level,))

    def close(self, request: Request) -> Answer:
        """A session may end itself; ending another takes an administrator."""
        session_id = int.from_bytes(request.data[:4], "little")
        if session_id == 0:
            by_handle = self._by_handle(request.data[4]) if len(request.data) > 4 else None
            if by_handle is None:
                return CloseSessionCode.INVALID_HANDLE
            session_id = by_handle.id
        own = session_id == request.caller.session_id
        if not own and request.caller.privilege < Privilege.ADMINISTRATOR:
            return Completion.INSUFFICIENT_PRIVILEGE
        return b"" if self._sessions.close(session_id) else CloseSessionCode.INVALID_ID

    def info(self, request: Request) -> Answer:
        index, rest = request.data[0], request.data[1:]
        sessions = self._sessions.sessions()
        session: Session | None
        if index == 0:
            session = self._sessions.find(request.caller.session_id)
        elif index == _BY_HANDLE and len(rest) == 1:
            session = self._by_handle(rest[0])
        elif index == _BY_ID and len(rest) == 4:
            session = self._sessions.find(int.from_bytes(rest, "little"))
        elif rest:
            return Completion.LENGTH_INVALID
        elif index > self._slots:
            return Completion.INVALID_DATA
        else:
            session = sessions[index - 1] if index <= len(sessions) else None
        active = min(len(sessions), 0x3F)
        if session is None:
            return bytes((0, self._slots, active))
        caller = session.caller
        return (
            bytes((session.handle & 0xFF, self._slots, active, caller.user_id, caller.privilege))
            + bytes((_PROTOCOL_2_0 | LAN_CHANNEL,))
            + _ipv4(caller.address)
            + _MAC_UNKNOWN
            + session.source[1].to_bytes(2, "little")
        )

    @property
    def _slots(self) -> int:
        """The field has six bits."""
        return min(self._sessions.slots, 0x3F)

    def _by_handle(self, handle: int) -> Session | None:
        return next((session for session in self._sessions.sessions() if session.handle == handle), None)

    def _algorithms(self) -> bytes:
        """Every algorithm once: authentication, then integrity, then confidentiality."""
        suites = [SUITES[number] for number in self._numbers]
        numbers = dict.fromkeys(
            [suite.authentication for suite in suites]
            + [0x40 | suite.integrity for suite in suites]
            + [0x80 | suite.confidentiality for suite in suites]
        )
        return bytes(numbers)


def _ipv4(address: str) -> bytes:
    """Four bytes of an IPv4 client; zeros for an IPv6 client, which the field cannot hold."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.packed if isinstance(parsed, ipaddress.IPv4Address) else bytes(4)
