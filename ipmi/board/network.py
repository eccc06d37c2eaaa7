# SPDX-License-Identifier: Apache-2.0
"""The network interface of a board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LanSettings:
    """How the interface that carries IPMI is set up; all addresses in wire order."""

    address: bytes = bytes(4)
    netmask: bytes = bytes(4)
    gateway: bytes = bytes(4)
    mac: bytes = bytes(6)
    from_dhcp: bool = False
    gateway_mac: bytes = bytes(6)
    """Zeros while it is not known."""


class Network(Protocol):
    """The network interface of the board, for Get LAN Configuration Parameters."""

    def lan(self) -> LanSettings: ...
