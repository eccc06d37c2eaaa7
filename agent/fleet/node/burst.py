# SPDX-License-Identifier: Apache-2.0
"""Sends a burst of magic packets into a segment: UDP broadcast, port 9. The one place here that touches a socket."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from agent.hardware.adapters.magic_packet import mac_bytes, magic_packet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BROADCAST = "255.255.255.255"
PORT = 9
PASSWORD_BYTES = (0, 4, 6)


class BurstFailed(Exception):
    """The network refused a packet; says where to and why."""


def packets(macs: Sequence[str], secure_on: bytes = b"") -> list[bytes]:
    """One per card. Raises ValueError for an address that is not one card's, or a password of a wrong length."""
    if len(secure_on) not in PASSWORD_BYTES:
        raise ValueError(f"a SecureOn password has four or six bytes, not {len(secure_on)}")
    found = []
    for mac in macs:
        address = mac_bytes(mac)
        if address[0] & 1:
            raise ValueError(f"{mac} is an address of many cards, not of one")
        found.append(magic_packet(address, secure_on))
    return found


async def send_burst(
    macs: Sequence[str],
    count: int,
    gap_ns: int,
    begun: Callable[[], object],
    *,
    to: str = BROADCAST,
    port: int = PORT,
    secure_on: bytes = b"",
) -> None:
    """`count` packets for each card, `gap_ns` apart. `to` is the segment's broadcast address: digits, never a name.

    `begun` is called when the first ones are out. Raises BurstFailed, ValueError. Cancelling ends the burst.
    """
    ready = packets(macs, secure_on)
    try:
        socket.inet_pton(socket.AF_INET, to)
    except (OSError, ValueError) as error:
        raise ValueError(f"{to!r} is no IPv4 address, such as 192.0.2.255") from error
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for number in range(count):
            if number:
                await asyncio.sleep(gap_ns / 1e9)
            for packet in ready:
                try:
                    sender.sendto(packet, (to, port))
                except OSError as error:
                    raise BurstFailed(f"wake packet to {to}:{port}: {error.strerror or error}") from error
            if not number:
                begun()
