# SPDX-License-Identifier: Apache-2.0
"""Application commands: who this controller is, its channel and its users (IPMI 2.0 sections 20 and 22)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.channel import LAN_CHANNEL, is_lan_channel
from ipmi.completion import Completion
from ipmi.device import SUPPORTED
from ipmi.dispatch import Command
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.board import Chassis, Identity, User, Users
    from ipmi.dispatch import Answer
    from ipmi.request import Request
    from ipmi.sessions import SessionLayer

_IPMI_VERSION = 0x02
"""2.0, the digits in swapped BCD."""
_MAXIMUM_USERS = 15
_PASSED = b"\x55\x00"
_ACPI_WORKING, _ACPI_OFF = 0x00, 0x05
_MEDIUM_LAN = 0x04
_PROTOCOL_IPMB = 0x01
_MULTI_SESSION = 0x80
_IPMI_ENTERPRISE = b"\xf2\x1b\x00"
_ACCESS_ALWAYS_NO_ALERTS = 0x22
_MESSAGING = 0x10
_NO_ACCESS = 0x0F
_USER_ENABLED, _USER_DISABLED = 0x40, 0x80
_INFO_REVISION = 0x11
_ASCII = 0


class SystemInfoCode(enum.IntEnum):
    UNSUPPORTED_PARAMETER = 0x80


class SystemInfo(enum.IntEnum):
    """Parameters of Get System Info Parameters that have a value here."""

    SET_IN_PROGRESS = 0
    SYSTEM_NAME = 2


class AppCommands:
    """Identity, channel and users, all read-only."""

    def __init__(self, identity: Identity, chassis: Chassis, users: Users, sessions: SessionLayer) -> None:
        self._identity = identity
        self._chassis = chassis
        self._users = users
        self._sessions = sessions
        self._device_id = _encode_device_id(identity)

    def commands(self) -> tuple[Command, ...]:
        user, operator, administrator = Privilege.USER, Privilege.OPERATOR, Privilege.ADMINISTRATOR
        app = NetFn.APP
        return (
            Command(app, 0x01, "Get Device ID", user, self.device_id, 0, 0),
            Command(app, 0x02, "Cold Reset", administrator, self.reset, 0, 0),
            Command(app, 0x03, "Warm Reset", administrator, self.reset, 0, 0),
            Command(app, 0x04, "Get Self Test Results", user, self.self_test, 0, 0),
            Command(app, 0x07, "Get ACPI Power State", user, self.acpi_state, 0, 0),
            Command(app, 0x08, "Get Device GUID", user, self.guid, 0, 0),
            Command(app, 0x37, "Get System GUID", None, self.guid, 0, 0),
            Command(app, 0x41, "Get Channel Access", user, self.channel_access, 2, 2),
            Command(app, 0x42, "Get Channel Info", user, self.channel_info, 1, 1),
            Command(app, 0x44, "Get User Access", operator, self.user_access, 2, 2),
            Command(app, 0x46, "Get User Name", operator, self.user_name, 1, 1),
            Command(app, 0x59, "Get System Info Parameters", user, self.system_info, 4, 4),
        )

    def device_id(self, request: Request) -> Answer:
        return self._device_id

    def reset(self, request: Request) -> Answer:
        """Not over the network: the service manager restarts the agent, and hosts never notice."""
        return Completion.NOT_IN_PRESENT_STATE

    def self_test(self, request: Request) -> Answer:
        return _PASSED

    def acpi_state(self, request: Request) -> Answer:
        return bytes((_ACPI_WORKING if self._chassis.status().power_on else _ACPI_OFF, 0))

    def guid(self, request: Request) -> Answer:
        return self._identity.guid

    def channel_access(self, request: Request) -> Answer:
        channel, which = request.data
        if not is_lan_channel(channel) or which & 0xC0 not in (0x40, 0x80):
            return Completion.INVALID_DATA
        return bytes((_ACCESS_ALWAYS_NO_ALERTS, Privilege.ADMINISTRATOR))

    def channel_info(self, request: Request) -> Answer:
        if not is_lan_channel(request.data[0]):
            return Completion.INVALID_DATA
        active = min(len(self._sessions.sessions()), 0x3F)
        return bytes((LAN_CHANNEL, _MEDIUM_LAN, _PROTOCOL_IPMB, _MULTI_SESSION | active)) + _IPMI_ENTERPRISE + bytes(2)

    def user_access(self, request: Request) -> Answer:
        channel, user_id = request.data[0], request.data[1] & 0x3F
        if not is_lan_channel(channel) or not 1 <= user_id <= _MAXIMUM_USERS:
            return Completion.INVALID_DATA
        user = self._user(user_id)
        enabled = sum(1 for other in self._users.all() if other.enabled)
        if user is None:
            return bytes((_MAXIMUM_USERS, _USER_DISABLED | enabled, 0, _NO_ACCESS))
        state = _USER_ENABLED if user.enabled else _USER_DISABLED
        return bytes((_MAXIMUM_USERS, state | enabled, 0, _MESSAGING | user.privilege))

    def user_name(self, request: Request) -> Answer:
        user_id = request.data[0] & 0x3F
        if not 1 <= user_id <= _MAXIMUM_USERS:
            return Completion.INVALID_DATA
        user = self._user(user_id)
        return b"".ljust(16, b"\0") if user is None else user.name[:16].ljust(16, b"\0")

    def system_info(self, request: Request) -> Answer:
        """Only the system name is known; clients take 80h for the rest."""
        revision_only, (_, parameter, block, _) = request.data[0] & 0x80, request.data
        if parameter == SystemInfo.SET_IN_PROGRESS:
            return bytes((_INFO_REVISION,)) if revision_only else bytes((_INFO_REVISION, 0))
        if parameter != SystemInfo.SYSTEM_NAME:
            return SystemInfoCode.UNSUPPORTED_PARAMETER
        if revision_only:
            return bytes((_INFO_REVISION,))
        name = self._identity.name.encode("ascii", "replace")[:255]
        blocks = bytes((_ASCII, len(name))) + name
        if block * 16 >= len(blocks):
            return Completion.PARAMETER_OUT_OF_RANGE
        return bytes((_INFO_REVISION, block)) + blocks[block * 16 : block * 16 + 16].ljust(16, b"\0")

    def _user(self, user_id: int) -> User | None:
        return next((user for user in self._users.all() if user.user_id == user_id), None)


def _encode_device_id(identity: Identity) -> bytes:
    minor = identity.firmware_minor % 100
    return (
        bytes((identity.device_id, identity.device_revision & 0x0F, identity.firmware_major & 0x7F))
        + bytes((minor // 10 << 4 | minor % 10, _IPMI_VERSION, SUPPORTED))
        + identity.manufacturer_id.to_bytes(3, "little")
        + identity.product_id.to_bytes(2, "little")
        + bytes(4)
    )
