# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of the interfaces, against what `ip` and /proc say."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from agent.ipmi_face.network import (
    DefaultRoute,
    InterfaceAddress,
    KernelNetwork,
    default_route,
    hardware_address,
    ipv4_addresses,
    neighbour,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ROUTES = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
wlan0 00000000 010200C0 0003 0 0 600 00000000 0 0 0
eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0
eth0 0001A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0
"""
ARP = """IP address HW type Flags HW address Mask Device
192.168.1.1 0x1 0x2 02:00:5e:00:00:01 * eth0
"""


def test_loopback_is_among_the_addresses() -> None:
    found = {entry.interface: entry for entry in ipv4_addresses() if entry.address == bytes((127, 0, 0, 1))}
    assert found == {"lo": InterfaceAddress("lo", bytes((127, 0, 0, 1)), 8, dynamic=False)}


def test_proc_files(tmp_path: Path) -> None:
    (tmp_path / "route").write_text(ROUTES)
    (tmp_path / "arp").write_text(ARP)
    assert default_route(tmp_path) == DefaultRoute("eth0", bytes((192, 168, 1, 1))), "the lowest metric"
    assert neighbour(bytes((192, 168, 1, 1)), tmp_path) == bytes.fromhex("02005e000001")
    assert neighbour(bytes((192, 168, 1, 2)), tmp_path) == bytes(6)
    assert default_route(tmp_path / "none") is None


def test_hardware_address(tmp_path: Path) -> None:
    (tmp_path / "eth0").mkdir()
    (tmp_path / "eth0" / "address").write_text("02:00:5e:00:00:02\n")
    assert hardware_address("eth0", tmp_path) == bytes.fromhex("02005e000002")
    assert hardware_address("eth1", tmp_path) == bytes(6)


def test_the_bound_address_is_shown() -> None:
    lan = KernelNetwork(lambda: ("127.0.0.1",)).lan()
    assert lan.address == bytes((127, 0, 0, 1))
    assert lan.netmask == bytes((255, 0, 0, 0))
    assert not lan.from_dhcp


def test_a_wildcard_shows_the_interface_of_the_default_route(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = (
        InterfaceAddress("lo", bytes((127, 0, 0, 1)), 8, dynamic=False),
        InterfaceAddress("eth1", bytes((10, 0, 0, 2)), 16, dynamic=False),
        InterfaceAddress("eth0", bytes((192, 168, 1, 7)), 24, dynamic=True),
    )
    monkeypatch.setattr("agent.ipmi_face.network.ipv4_addresses", lambda: entries)
    monkeypatch.setattr("agent.ipmi_face.network.default_route", lambda: DefaultRoute("eth0", bytes((192, 168, 1, 1))))
    lan = KernelNetwork(lambda: ("0.0.0.0",)).lan()
    assert socket.inet_ntoa(lan.address) == "192.168.1.7"
    assert socket.inet_ntoa(lan.gateway) == "192.168.1.1"
    assert lan.netmask == bytes((255, 255, 255, 0))
    assert lan.from_dhcp
    other = KernelNetwork(lambda: ("10.0.0.2",)).lan()
    assert other.gateway == bytes(4), "the default route leads out of another interface"


def test_no_netlink(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> tuple[InterfaceAddress, ...]:
        raise OSError("not allowed")

    monkeypatch.setattr("agent.ipmi_face.network.ipv4_addresses", refuse)
    assert KernelNetwork(lambda: ("0.0.0.0",)).lan().address == bytes(4)
