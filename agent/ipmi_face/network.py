# SPDX-License-Identifier: Apache-2.0
"""The network interface that carries IPMI, as the kernel tells it (rtnetlink, /proc/net, /sys/class/net). Read only."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ipmi.board import LanSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROC_NET = Path("/proc/net")
SYS_NET = Path("/sys/class/net")

_MESSAGE = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_RTM_GETADDR, _RTM_NEWADDR = 22, 20
_REQUEST_DUMP = 0x301
_DONE, _ERROR = 3, 2
_IFA_LOCAL, _IFA_ADDRESS = 2, 1
_PERMANENT = 0x80
_ROUTE_UP, _ROUTE_GATEWAY = 0x1, 0x2
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One IPv4 address of an interface. `dynamic`: it has a lifetime, as addresses from DHCP do."""

    interface: str
    address: bytes
    prefix_length: int
    dynamic: bool


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    interface: str
    gateway: bytes


def ipv4_addresses() -> tuple[InterfaceAddress, ...]:
    """Every IPv4 address of this machine. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.settimeout(0.5)
        body = _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0)
        link.send(_MESSAGE.pack(_MESSAGE.size + len(body), _RTM_GETADDR, _REQUEST_DUMP, 1, 0) + body)
        found: list[InterfaceAddress] = []
        while True:
            data, done = link.recv(_READ_BYTES), False
            for kind, message in _messages(data):
                done = done or kind in (_DONE, _ERROR)
                if kind == _RTM_NEWADDR and (entry := _interface_address(message)) is not None:
                    found.append(entry)
            if done:
                return tuple(found)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _MESSAGE.size:
        length, kind, *_ = _MESSAGE.unpack_from(data)
        if length < _MESSAGE.size:
            return
        yield kind, data[_MESSAGE.size : length]
        data = data[(length + 3) & ~3 :]


def _interface_address(message: bytes) -> InterfaceAddress | None:
    family, prefix_length, flags, _, index = _ADDRESS.unpack_from(message)
    rest, address = message[_ADDRESS.size :], b""
    while len(rest) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(rest)
        if length < _ATTRIBUTE.size:
            break
        if kind == _IFA_LOCAL or (kind == _IFA_ADDRESS and not address):
            address = rest[_ATTRIBUTE.size : length]
        rest = rest[(length + 3) & ~3 :]
    if family != socket.AF_INET or len(address) != 4:
        return None
    try:
        name = socket.if_indextoname(index)
    except OSError:
        return None
    return InterfaceAddress(name, address, prefix_length, not flags & _PERMANENT)


def default_route(proc_net: Path = PROC_NET) -> DefaultRoute | None:
    """The IPv4 default route with the lowest metric."""
    best: tuple[int, DefaultRoute] | None = None
    for row in _rows(proc_net / "route"):
        if len(row) >= 8 and row[1] == "00000000" and int(row[3], 16) & (_ROUTE_UP | _ROUTE_GATEWAY) == 3:
            route = DefaultRoute(row[0], int(row[2], 16).to_bytes(4, "little"))
            if best is None or int(row[6]) < best[0]:
                best = int(row[6]), route
    return None if best is None else best[1]


def hardware_address(interface: str, sys_net: Path = SYS_NET) -> bytes:
    """MAC address; zeros where there is none."""
    try:
        mac = bytes.fromhex((sys_net / interface / "address").read_text().strip().replace(":", ""))
    except (OSError, ValueError):
        return bytes(6)
    return mac if len(mac) == 6 else bytes(6)


def neighbour(address: bytes, proc_net: Path = PROC_NET) -> bytes:
    """MAC address of a machine on the same link, if the kernel knows it; else zeros."""
    wanted = socket.inet_ntoa(address)
    for row in _rows(proc_net / "arp"):
        if len(row) >= 4 and row[0] == wanted:
            try:
                return bytes.fromhex(row[3].replace(":", ""))
            except ValueError:
                return bytes(6)
    return bytes(6)


def _rows(file: Path) -> Iterator[list[str]]:
    try:
        lines = file.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        yield line.split()


class KernelNetwork:
    """Implements ipmi.board.Network: the interface of the address that IPMI is bound to."""

    def __init__(self, bound: Callable[[], tuple[str, ...]]) -> None:
        """`bound` gives the addresses that the endpoint listens on."""
        self._bound = bound

    def lan(self) -> LanSettings:
        try:
            addresses = ipv4_addresses()
        except OSError:
            return LanSettings()
        route = default_route()
        entry = self._choose(addresses, route)
        if entry is None:
            return LanSettings()
        gateway = route.gateway if route is not None and route.interface == entry.interface else bytes(4)
        mask = (0xFFFFFFFF << (32 - entry.prefix_length)) & 0xFFFFFFFF
        return LanSettings(
            address=entry.address,
            netmask=mask.to_bytes(4, "big"),
            gateway=gateway,
            gateway_mac=neighbour(gateway) if any(gateway) else bytes(6),
            mac=hardware_address(entry.interface),
            from_dhcp=entry.dynamic,
        )

    def _choose(self, addresses: tuple[InterfaceAddress, ...], route: DefaultRoute | None) -> InterfaceAddress | None:
        """The bound address; for a wildcard that of the default route, else the first that is not the loopback's."""
        bound = self._bound()
        for entry in addresses:
            if socket.inet_ntoa(entry.address) in bound:
                return entry
        if route is not None:
            for entry in addresses:
                if entry.interface == route.interface:
                    return entry
        return next((entry for entry in addresses if entry.address[0] != 127), addresses[0] if addresses else None)
