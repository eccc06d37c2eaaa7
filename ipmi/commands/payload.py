# SPDX-License-Identifier: Apache-2.0
"""Payload commands (IPMI 2.0 section 24) and SOL configuration (section 26)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.channel import LAN_CHANNEL, is_lan_channel
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn
from ipmi.sol_service import Activation

if TYPE_CHECKING:
    from ipmi.board import ParameterStore, User, Users
    from ipmi.dispatch import Answer
    from ipmi.request import Request
    from ipmi.sessions import SessionLayer
    from ipmi.sol_service import SolService

_IPMI, _SOL = 0x00, 0x01
_SETUP_PAYLOADS = range(0x10, 0x16)
_INSTANCE = 1
_ENCRYPTED, _AUTHENTICATED = 0x80, 0x40
_NO_VLAN = b"\xff\xff"
_VERSION = 0x10
_REVISION = 0x11
_REVISION_ONLY = 0x80
_BITRATE_115200 = 0x0A


class ActivateCode(enum.IntEnum):
    TAKEN = 0x80
    DISABLED = 0x81
    NEEDS_ENCRYPTION = 0x84


class DeactivateCode(enum.IntEnum):
    NOT_ACTIVE = 0x80


class VersionCode(enum.IntEnum):
    NOT_AVAILABLE = 0x80


class SolConfigCode(enum.IntEnum):
    UNSUPPORTED_PARAMETER = 0x80
    READ_ONLY = 0x82


class SolParameter(enum.IntEnum):
    SET_IN_PROGRESS = 0
    ENABLE = 1
    AUTHENTICATION = 2
    ACCUMULATE = 3
    RETRY = 4
    STORED_BITRATE = 5
    BITRATE = 6
    CHANNEL = 7
    PORT = 8


_DEFAULTS: dict[int, bytes] = {
    SolParameter.SET_IN_PROGRESS: b"\0",
    SolParameter.ENABLE: b"\x01",
    SolParameter.AUTHENTICATION: bytes((_ENCRYPTED | _AUTHENTICATED | Privilege.OPERATOR,)),
    SolParameter.ACCUMULATE: bytes((1, 1)),
    SolParameter.RETRY: bytes((7, 50)),
    SolParameter.STORED_BITRATE: bytes((_BITRATE_115200,)),
    SolParameter.BITRATE: bytes((_BITRATE_115200,)),
    SolParameter.CHANNEL: bytes((LAN_CHANNEL,)),
}
_SETTABLE = (SolParameter.ENABLE, SolParameter.AUTHENTICATION, SolParameter.ACCUMULATE, SolParameter.RETRY)


class PayloadCommands:
    """Serial over LAN is the only payload besides IPMI messages. It is always encrypted and authenticated."""

    def __init__(self, sol: SolService, sessions: SessionLayer, users: Users, store: ParameterStore) -> None:
        self._sol = sol
        self._sessions = sessions
        self._users = users
        self._store = store
        self._in_progress = 0

    def commands(self) -> tuple[Command, ...]:
        user, administrator = Privilege.USER, Privilege.ADMINISTRATOR
        app, transport = NetFn.APP, NetFn.TRANSPORT
        return (
            Command(app, 0x48, "Activate Payload", user, self.activate, 6, 6),
            Command(app, 0x49, "Deactivate Payload", user, self.deactivate, 6, 6),
            Command(app, 0x4A, "Get Payload Activation Status", user, self.status, 1, 1),
            Command(app, 0x4B, "Get Payload Instance Info", user, self.instance, 2, 2),
            Command(app, 0x4E, "Get Channel Payload Support", user, self.support, 1, 1),
            Command(app, 0x4F, "Get Channel Payload Version", user, self.version, 2, 2),
            Command(transport, 0x21, "Set SOL Configuration Parameters", administrator, self.set_config, 2),
            Command(transport, 0x22, "Get SOL Configuration Parameters", user, self.config, 4, 4),
        )

    def activate(self, request: Request) -> Answer:
        kind, instance, how = request.data[:3]
        session = self._sessions.find(request.caller.session_id)
        if kind != _SOL or instance & 0x0F != _INSTANCE or session is None:
            return Completion.INVALID_DATA
        if not self._sol.exists or not self._value(SolParameter.ENABLE)[0] & 1:
            return ActivateCode.DISABLED
        if not how & _ENCRYPTED or not how & _AUTHENTICATED:
            return ActivateCode.NEEDS_ENCRYPTION
        if request.caller.privilege < self._value(SolParameter.AUTHENTICATION)[0] & 0x0F or not self._may(request):
            return Completion.INSUFFICIENT_PRIVILEGE
        count, interval = self._value(SolParameter.RETRY)
        outcome = self._sol.activate(session, count & 0x07, max(interval, 1) * 0.01)
        if outcome is Activation.TAKEN:
            return ActivateCode.TAKEN
        if outcome is Activation.DISABLED:
            return ActivateCode.DISABLED
        size = self._sol.largest_payload.to_bytes(2, "little")
        return bytes(4) + size + size + session.port.to_bytes(2, "little") + _NO_VLAN

    def deactivate(self, request: Request) -> Answer:
        """Anybody may give back their own console; another's takes what activating would take."""
        if request.data[0] != _SOL or request.data[1] & 0x0F != _INSTANCE:
            return Completion.INVALID_DATA
        holder = self._sol.session
        if holder is None:
            return DeactivateCode.NOT_ACTIVE
        if holder.id != request.caller.session_id and (
            request.caller.privilege < self._value(SolParameter.AUTHENTICATION)[0] & 0x0F or not self._may(request)
        ):
            return Completion.INSUFFICIENT_PRIVILEGE
        return b"" if self._sol.deactivate() else DeactivateCode.NOT_ACTIVE

    def status(self, request: Request) -> Answer:
        if request.data[0] != _SOL:
            return Completion.INVALID_DATA
        return bytes((_INSTANCE, 1 if self._sol.session is not None else 0, 0))

    def instance(self, request: Request) -> Answer:
        if request.data[0] != _SOL or request.data[1] != _INSTANCE:
            return Completion.INVALID_DATA
        session = self._sol.session
        return (0 if session is None else session.id).to_bytes(4, "little") + bytes((1,)) + bytes(7)

    def support(self, request: Request) -> Answer:
        if not is_lan_channel(request.data[0]):
            return Completion.INVALID_DATA
        standard = 1 << _IPMI | (1 << _SOL if self._sol.exists else 0)
        setup = sum(1 << kind - 0x10 for kind in _SETUP_PAYLOADS)
        return standard.to_bytes(2, "little") + setup.to_bytes(2, "little") + bytes(4)

    def version(self, request: Request) -> Answer:
        channel, kind = request.data[0], request.data[1] & 0x3F
        if not is_lan_channel(channel):
            return Completion.INVALID_DATA
        known = kind in (_IPMI, *_SETUP_PAYLOADS) or (kind == _SOL and self._sol.exists)
        return bytes((_VERSION,)) if known else VersionCode.NOT_AVAILABLE

    def config(self, request: Request) -> Answer:
        channel, parameter = request.data[0], request.data[1]
        if not is_lan_channel(channel):
            return Completion.INVALID_DATA
        if parameter == SolParameter.PORT:
            session = self._sessions.find(request.caller.session_id)
            value = (0 if session is None else session.port).to_bytes(2, "little")
        elif parameter in _DEFAULTS:
            value = self._value(SolParameter(parameter))
        else:
            return SolConfigCode.UNSUPPORTED_PARAMETER
        return bytes((_REVISION,)) + (b"" if channel & _REVISION_ONLY else value)

    async def set_config(self, request: Request) -> Answer:
        channel, parameter, data = request.data[0], request.data[1], request.data[2:]
        if not is_lan_channel(channel):
            return Completion.INVALID_DATA
        if parameter not in SolParameter.__members__.values():
            return SolConfigCode.UNSUPPORTED_PARAMETER
        known = SolParameter(parameter)
        if known is SolParameter.SET_IN_PROGRESS:
            if len(data) != 1 or data[0] > 2:
                return Completion.INVALID_DATA
            self._in_progress = 1 if data[0] == 1 else 0
            return b""
        if known not in _SETTABLE:
            return SolConfigCode.READ_ONLY
        if len(data) != len(_DEFAULTS[known]):
            return Completion.LENGTH_INVALID
        if known is SolParameter.AUTHENTICATION:
            if not Privilege.USER <= data[0] & 0x0F <= Privilege.ADMINISTRATOR:
                return Completion.INVALID_DATA
            data = bytes((data[0] | _ENCRYPTED | _AUTHENTICATED,))
        await self._store.set(known, data)
        return b""

    def _value(self, parameter: SolParameter) -> bytes:
        if parameter is SolParameter.SET_IN_PROGRESS:
            return bytes((self._in_progress,))
        default = _DEFAULTS[parameter]
        stored = self._store.get(parameter)
        return stored if stored is not None and len(stored) == len(default) else default

    def _may(self, request: Request) -> bool:
        user: User | None = self._users.by_name(request.caller.name)
        return user is not None and user.sol
