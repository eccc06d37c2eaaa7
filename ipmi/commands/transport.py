# SPDX-License-Identifier: Apache-2.0
"""LAN configuration parameters, read-only (IPMI 2.0 section 23)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ipmi.board import LanSettings, Privilege
from ipmi.channel import is_lan_channel
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.board import Network
    from ipmi.config import ServerConfig
    from ipmi.dispatch import Answer
    from ipmi.request import Request

_REVISION = 0x11
_REVISION_ONLY = 0x80
_STATIC, _DHCP = 0x01, 0x02
_IP_HEADER = b"\x40\x40\x10"


class LanCode(enum.IntEnum):
    UNSUPPORTED_PARAMETER = 0x80
    READ_ONLY = 0x82


class LanParameter(enum.IntEnum):
    SET_IN_PROGRESS = 0
    AUTHENTICATION_SUPPORT = 1
    AUTHENTICATION_ENABLES = 2
    ADDRESS = 3
    ADDRESS_SOURCE = 4
    MAC = 5
    NETMASK = 6
    IP_HEADER = 7
    ARP_CONTROL = 10
    ARP_INTERVAL = 11
    GATEWAY = 12
    GATEWAY_MAC = 13
    BACKUP_GATEWAY = 14
    BACKUP_GATEWAY_MAC = 15
    DESTINATION_COUNT = 17
    VLAN = 20
    VLAN_PRIORITY = 21
    SUITE_COUNT = 22
    SUITES = 23
    SUITE_PRIVILEGES = 24


class TransportCommands:
    """What the board's network interface looks like; it is configured elsewhere."""

    def __init__(self, config: ServerConfig, network: Network | None) -> None:
        self._network = network
        self._suites = bytes(config.suites)
        levels = [Privilege.ADMINISTRATOR] * len(config.suites)
        packed = sum(level << 4 * place for place, level in enumerate(levels))
        self._suite_privileges = b"\0" + packed.to_bytes(8, "little")

    def commands(self) -> tuple[Command, ...]:
        transport = NetFn.TRANSPORT
        return (
            Command(transport, 0x01, "Set LAN Configuration Parameters", Privilege.ADMINISTRATOR, self.set, 2),
            Command(transport, 0x02, "Get LAN Configuration Parameters", Privilege.OPERATOR, self.get, 4, 4),
        )

    def get(self, request: Request) -> Answer:
        if not is_lan_channel(request.data[0]):
            return Completion.INVALID_DATA
        value = self._values().get(request.data[1])
        if value is None:
            return LanCode.UNSUPPORTED_PARAMETER
        return bytes((_REVISION,)) + (b"" if request.data[0] & _REVISION_ONLY else value)

    def set(self, request: Request) -> Answer:
        """The operating system of the board owns its network."""
        if not is_lan_channel(request.data[0]):
            return Completion.INVALID_DATA
        return LanCode.READ_ONLY if request.data[1] in self._values() else LanCode.UNSUPPORTED_PARAMETER

    def _values(self) -> dict[int, bytes]:
        lan = LanSettings() if self._network is None else self._network.lan()
        return {
            LanParameter.SET_IN_PROGRESS: b"\0",
            LanParameter.AUTHENTICATION_SUPPORT: b"\0",
            LanParameter.AUTHENTICATION_ENABLES: bytes(5),
            LanParameter.ADDRESS: lan.address,
            LanParameter.ADDRESS_SOURCE: bytes((_DHCP if lan.from_dhcp else _STATIC,)),
            LanParameter.MAC: lan.mac,
            LanParameter.NETMASK: lan.netmask,
            LanParameter.IP_HEADER: _IP_HEADER,
            LanParameter.ARP_CONTROL: b"\0",
            LanParameter.ARP_INTERVAL: b"\0",
            LanParameter.GATEWAY: lan.gateway,
            LanParameter.GATEWAY_MAC: lan.gateway_mac,
            LanParameter.BACKUP_GATEWAY: bytes(4),
            LanParameter.BACKUP_GATEWAY_MAC: bytes(6),
            LanParameter.DESTINATION_COUNT: b"\0",
            LanParameter.VLAN: bytes(2),
            LanParameter.VLAN_PRIORITY: b"\0",
            LanParameter.SUITE_COUNT: bytes((len(self._suites),)),
            LanParameter.SUITES: b"\0" + self._suites,
            LanParameter.SUITE_PRIVILEGES: self._suite_privileges,
        }
