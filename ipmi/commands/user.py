# SPDX-License-Identifier: Apache-2.0
"""User commands: names, passwords, privilege limits, payload access (IPMI 2.0 sections 22.26 to 22.31, 24.6, 24.7)."""

from __future__ import annotations

import enum
import hmac
from typing import TYPE_CHECKING

from ipmi.board import MAX_NAME, MAX_PASSWORD, MAX_USERS, Privilege, UserChange, UserReply
from ipmi.channel import is_lan_channel
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.board import User, Users
    from ipmi.dispatch import Answer
    from ipmi.request import Request
    from ipmi.sessions import SessionLayer

_ENABLED, _DISABLED = 0x40, 0x80
_CHANGE_ACCESS, _MESSAGING = 0x80, 0x10
_NO_ACCESS = 0x0F
_TWENTY_BYTES = 0x80
_SHORT_PASSWORD = 16
_SOL_PAYLOAD = 0x02
_PAYLOAD_DISABLE = 0x40


class PasswordOperation(enum.IntEnum):
    DISABLE = 0
    ENABLE = 1
    SET = 2
    TEST = 3


class PasswordCode(enum.IntEnum):
    TEST_FAILED = 0x80
    WRONG_SIZE = 0x81


_ANSWERS: dict[UserReply, Answer] = {
    UserReply.DONE: b"",
    UserReply.INVALID: Completion.INVALID_DATA,
    UserReply.LAST_ADMINISTRATOR: Completion.NOT_IN_PRESENT_STATE,
    UserReply.NOT_STORED: Completion.CANNOT_RESPOND,
}


class UserCommands:
    """The users of the board. After a change all their sessions end, except the one that made it."""

    def __init__(self, users: Users, sessions: SessionLayer) -> None:
        self._users = users
        self._sessions = sessions

    def commands(self) -> tuple[Command, ...]:
        operator, administrator = Privilege.OPERATOR, Privilege.ADMINISTRATOR
        app = NetFn.APP
        return (
            Command(app, 0x43, "Set User Access", administrator, self.set_access, 3, 4),
            Command(app, 0x44, "Get User Access", operator, self.access, 2, 2),
            Command(app, 0x45, "Set User Name", administrator, self.set_name, 1 + MAX_NAME, 1 + MAX_NAME),
            Command(app, 0x46, "Get User Name", operator, self.name, 1, 1),
            Command(app, 0x47, "Set User Password", administrator, self.set_password, 2, 2 + MAX_PASSWORD),
            Command(app, 0x4C, "Set User Payload Access", administrator, self.set_payload_access, 6, 6),
            Command(app, 0x4D, "Get User Payload Access", operator, self.payload_access, 2, 2),
        )

    async def set_access(self, request: Request) -> Answer:
        channel, user_id, level = request.data[0], request.data[1] & 0x3F, request.data[2] & 0x0F
        if not is_lan_channel(channel) or not 1 <= user_id <= MAX_USERS:
            return Completion.INVALID_DATA
        if level == _NO_ACCESS:
            privilege = Privilege.NO_ACCESS
        elif Privilege.CALLBACK <= level <= Privilege.ADMINISTRATOR:
            privilege = Privilege(level)
        else:
            return Completion.INVALID_DATA
        messaging = bool(channel & _MESSAGING) if channel & _CHANGE_ACCESS else None
        return await self._change(user_id, UserChange(privilege=privilege, messaging=messaging), request)

    def access(self, request: Request) -> Answer:
        channel, user_id = request.data[0], request.data[1] & 0x3F
        if not is_lan_channel(channel) or not 1 <= user_id <= MAX_USERS:
            return Completion.INVALID_DATA
        user = self._user(user_id)
        enabled = sum(1 for other in self._users.all() if other.enabled)
        if user is None:
            return bytes((MAX_USERS, _DISABLED | enabled, 0, _NO_ACCESS))
        state = _ENABLED if user.enabled else _DISABLED
        messaging = _MESSAGING if user.messaging else 0
        return bytes((MAX_USERS, state | enabled, 0, messaging | (user.privilege or _NO_ACCESS)))

    async def set_name(self, request: Request) -> Answer:
        user_id, name = request.data[0] & 0x3F, request.data[1:].rstrip(b"\0")
        if not 1 <= user_id <= MAX_USERS:
            return Completion.INVALID_DATA
        user = self._user(user_id)
        if name == (b"" if user is None else user.name):
            return b""
        return await self._change(user_id, UserChange(name=name), request)

    def name(self, request: Request) -> Answer:
        user_id = request.data[0] & 0x3F
        if not 1 <= user_id <= MAX_USERS:
            return Completion.INVALID_DATA
        user = self._user(user_id)
        return b"".ljust(MAX_NAME, b"\0") if user is None else user.name[:MAX_NAME].ljust(MAX_NAME, b"\0")

    async def set_password(self, request: Request) -> Answer:
        user_id, operation, password = request.data[0] & 0x3F, request.data[1] & 0x03, request.data[2:]
        if not 1 <= user_id <= MAX_USERS:
            return Completion.INVALID_DATA
        if operation in (PasswordOperation.DISABLE, PasswordOperation.ENABLE):
            enabled = operation == PasswordOperation.ENABLE
            user = self._user(user_id)
            if (user is not None and user.enabled) == enabled:
                return b""
            return await self._change(user_id, UserChange(enabled=enabled), request)
        if len(password) != (MAX_PASSWORD if request.data[0] & _TWENTY_BYTES else _SHORT_PASSWORD):
            return Completion.LENGTH_INVALID
        if operation == PasswordOperation.SET:
            return await self._change(user_id, UserChange(password=password.rstrip(b"\0")), request)
        return self._test(self._user(user_id), password)

    def _test(self, user: User | None, password: bytes) -> Answer:
        known = b"" if user is None else user.password
        if len(known) > len(password):
            return PasswordCode.WRONG_SIZE
        same = hmac.compare_digest(known.ljust(MAX_PASSWORD, b"\0"), password.ljust(MAX_PASSWORD, b"\0"))
        return b"" if known and same else PasswordCode.TEST_FAILED

    async def set_payload_access(self, request: Request) -> Answer:
        channel, user_id, payloads = request.data[0], request.data[1] & 0x3F, request.data[2]
        operation = request.data[1] & 0xC0
        if not is_lan_channel(channel) or not 1 <= user_id <= MAX_USERS or operation not in (0, _PAYLOAD_DISABLE):
            return Completion.INVALID_DATA
        if not payloads & _SOL_PAYLOAD:
            return b""
        return await self._change(user_id, UserChange(sol=operation != _PAYLOAD_DISABLE), request)

    def payload_access(self, request: Request) -> Answer:
        channel, user_id = request.data[0], request.data[1] & 0x3F
        if not is_lan_channel(channel) or not 1 <= user_id <= MAX_USERS:
            return Completion.INVALID_DATA
        user = self._user(user_id)
        return bytes((_SOL_PAYLOAD if user is not None and user.sol else 0, 0, 0, 0))

    async def _change(self, user_id: int, change: UserChange, request: Request) -> Answer:
        before = self._user(user_id)
        reply = await self._users.change(user_id, change, request.caller.origin)
        if reply is UserReply.DONE and before is not None and before.name:
            self._sessions.close_user(before.name, spare=request.caller.session_id)
        return _ANSWERS[reply]

    def _user(self, user_id: int) -> User | None:
        return next((user for user in self._users.all() if user.user_id == user_id), None)
