# SPDX-License-Identifier: Apache-2.0
"""Application commands: who this controller is, its state, its reset (IPMI 2.0 section 20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.completion import Completion
from ipmi.device import SUPPORTED
from ipmi.dispatch import Command
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.board import Chassis, Identity
    from ipmi.dispatch import Answer
    from ipmi.request import Request
    from ipmi.sessions import SessionLayer

_IPMI_VERSION = 0x02
"""2.0, the digits in swapped BCD."""
_PASSED = b"\x55\x00"
_ACPI_WORKING, _ACPI_OFF = 0x00, 0x05
_ACPI_SET, _ACPI_UNCHANGED = 0x80, 0x7F
_ACPI_DEVICE_UNKNOWN = 0x2A
_ACPI_SYSTEM_STATES = (*range(0x0B), 0x20, 0x21, 0x2A)
_ACPI_DEVICE_STATES = (*range(0x04), 0x2A)
_EVENT_LOGGING = 0x08


class AppCommands:
    """Identity and state of the controller."""

    def __init__(self, identity: Identity, chassis: Chassis, sessions: SessionLayer) -> None:
        self._identity = identity
        self._chassis = chassis
        self._sessions = sessions
        self._device_id = _encode_device_id(identity)
        self._told_system: int | None = None
        self._told_device = _ACPI_DEVICE_UNKNOWN

    def commands(self) -> tuple[Command, ...]:
        user, administrator = Privilege.USER, Privilege.ADMINISTRATOR
        app = NetFn.APP
        return (
            Command(app, 0x01, "Get Device ID", user, self.device_id, 0, 0),
            Command(app, 0x02, "Cold Reset", administrator, self.reset, 0, 0),
            Command(app, 0x03, "Warm Reset", administrator, self.reset, 0, 0),
            Command(app, 0x04, "Get Self Test Results", user, self.self_test, 0, 0),
            Command(app, 0x06, "Set ACPI Power State", administrator, self.set_acpi_state, 2, 2),
            Command(app, 0x07, "Get ACPI Power State", user, self.acpi_state, 0, 0),
            Command(app, 0x08, "Get Device GUID", user, self.guid, 0, 0),
            Command(app, 0x2E, "Set BMC Global Enables", administrator, self.set_global_enables, 1, 1),
            Command(app, 0x2F, "Get BMC Global Enables", user, self.global_enables, 0, 0),
            Command(app, 0x31, "Get Message Flags", user, self.message_flags, 0, 0),
            Command(app, 0x37, "Get System GUID", None, self.guid, 0, 0),
        )

    def device_id(self, request: Request) -> Answer:
        return self._device_id

    def reset(self, request: Request) -> Answer:
        """What a client sees of a controller that starts anew: answered, then every session is gone. Hosts and lines
        are none of a reset's matters, so nothing else happens."""
        self._sessions.close_all()
        return b""

    def self_test(self, request: Request) -> Answer:
        return _PASSED

    def set_acpi_state(self, request: Request) -> Answer:
        """The host's software tells its state. It counts while the host has power; power itself is measured."""
        system, device = request.data
        if system & _ACPI_SET and system & 0x7F != _ACPI_UNCHANGED:
            if system & 0x7F not in _ACPI_SYSTEM_STATES:
                return Completion.INVALID_DATA
            self._told_system = system & 0x7F
        if device & _ACPI_SET and device & 0x7F != _ACPI_UNCHANGED:
            if device & 0x7F not in _ACPI_DEVICE_STATES:
                return Completion.INVALID_DATA
            self._told_device = device & 0x7F
        return b""

    def acpi_state(self, request: Request) -> Answer:
        if not self._chassis.status().power_on:
            self._told_system, self._told_device = None, _ACPI_DEVICE_UNKNOWN
            return bytes((_ACPI_OFF, self._told_device))
        return bytes((_ACPI_WORKING if self._told_system is None else self._told_system, self._told_device))

    def guid(self, request: Request) -> Answer:
        return self._identity.guid

    def set_global_enables(self, request: Request) -> Answer:
        """They belong to the system interface, which this controller does not have."""
        return Completion.INSUFFICIENT_PRIVILEGE

    def global_enables(self, request: Request) -> Answer:
        return bytes((_EVENT_LOGGING,))

    def message_flags(self, request: Request) -> Answer:
        return b"\0"


def _encode_device_id(identity: Identity) -> bytes:
    minor = identity.firmware_minor % 100
    return (
        bytes((identity.device_id, identity.device_revision & 0x0F, identity.firmware_major & 0x7F))
        + bytes((minor // 10 << 4 | minor % 10, _IPMI_VERSION, SUPPORTED))
        + identity.manufacturer_id.to_bytes(3, "little")
        + identity.product_id.to_bytes(2, "little")
        + bytes(4)
    )
