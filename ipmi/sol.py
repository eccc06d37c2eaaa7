# SPDX-License-Identifier: Apache-2.0
"""Serial over LAN, one activated payload, without I/O or clocks (IPMI 2.0 section 15): packets and bytes go in and out.

Each side has one packet under way at a time and repeats it until it is acknowledged; a packet's number is from 1 to
15, and 0 marks a packet that only acknowledges.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

HEADER: Final = 4
MAXIMUM_DATA: Final = 200
"""Characters in one packet. With header, encryption and RMCP+ around it stays below what any client reads."""
LARGEST_PAYLOAD: Final = HEADER + 255
BUFFER: Final = 65_536
PAUSE_ABOVE: Final = 32_768
_LAST_SEQUENCE = 15
_SLOW_RETRY_S = 1.0


class Operation(enum.IntFlag):
    """Fourth byte of a packet from the remote console."""

    FLUSH_OUTBOUND = 0x01
    FLUSH_INBOUND = 0x02
    PAUSE = 0x08
    BREAK = 0x10
    NACK = 0x40


class Status(enum.IntFlag):
    """Fourth byte of a packet to the remote console."""

    UNAVAILABLE = 0x20
    DEACTIVATED = 0x10
    NACK = 0x40


class Port(Protocol):
    """The console's side: what a link does with characters."""

    def write(self, data: bytes) -> int: ...

    def send_break(self) -> None: ...

    def pause(self, paused: bool) -> None: ...


class Packet(NamedTuple):
    sequence: int
    acknowledged: int
    accepted: int
    flags: int
    data: bytes


def decode(payload: bytes) -> Packet | None:
    """A packet of the remote console; None when it is too short."""
    if len(payload) < HEADER:
        return None
    return Packet(payload[0] & 0x0F, payload[1] & 0x0F, payload[2], payload[3], payload[HEADER:])


@dataclass(slots=True)
class _UnderWay:
    sequence: int
    data: bytes
    sent_at: float
    tries: int = 1


class SolLink:
    """One remote console on one serial console. Not thread-safe; `now` is monotonic, in seconds."""

    def __init__(self, port: Port, retries: int, retry_s: float) -> None:
        self._port = port
        self._retries = retries
        self._retry_s = retry_s
        self._out = bytearray()
        self._under_way: _UnderWay | None = None
        self._sequence = 0
        self._heard = 0
        self._accepted = 0
        self._paused_by_client = False
        self._paused_port = False
        self._unavailable = False
        self.lost_characters = 0
        """What a client that stopped acknowledging has missed because the buffer was full."""

    def received(self, data: bytes, now: float) -> bytes | None:
        """The console says something; a packet to send, if one may be sent now."""
        room = BUFFER - len(self._out)
        self._out += data[:room]
        self.lost_characters += max(0, len(data) - room)
        self._balance()
        return self._next(now)

    def available(self, available: bool) -> None:
        """Whether the console's device is there: told to the client with each packet."""
        self._unavailable = not available

    def packet(self, payload: bytes, now: float) -> bytes | None:
        """A packet from the client; the packet that answers it, if one is due."""
        packet = decode(payload)
        if packet is None:
            return None
        self._acknowledged(packet)
        self._operate(packet)
        if packet.sequence == 0:
            return self._next(now)
        if packet.sequence != self._heard:
            self._heard = packet.sequence
            self._accepted = self._take(packet)
        status = Status.NACK if packet.data and self._accepted == 0 else 0
        return self._next(now, acknowledge=True) or self._encode(0, b"", status, acknowledge=True)

    def due(self, now: float) -> bytes | None:
        """The packet under way once more, if its acknowledgement has not come in time."""
        under_way = self._under_way
        if under_way is None or now < self._retry_at(under_way):
            return None
        under_way.sent_at = now
        under_way.tries += 1
        return self._encode(under_way.sequence, under_way.data)

    def next_at(self) -> float | None:
        """When `due` is to be called."""
        return None if self._under_way is None else self._retry_at(self._under_way)

    def goodbye(self) -> bytes:
        """The packet that tells the client that its console is taken away."""
        return self._encode(0, b"", Status.DEACTIVATED | Status.UNAVAILABLE)

    def _take(self, packet: Packet) -> int:
        if packet.flags & Operation.BREAK:
            self._port.send_break()
        return min(self._port.write(packet.data), 255) if packet.data else 0

    def _operate(self, packet: Packet) -> None:
        if packet.flags & Operation.FLUSH_OUTBOUND:
            self._out.clear()
            self._balance()
        self._paused_by_client = bool(packet.flags & Operation.PAUSE)

    def _acknowledged(self, packet: Packet) -> None:
        under_way = self._under_way
        if under_way is None or packet.acknowledged != under_way.sequence:
            return
        if packet.flags & Operation.NACK and packet.accepted == 0:
            return  # it is sent again when its time comes
        self._under_way = None
        self._out[:0] = under_way.data[packet.accepted :]
        self._balance()

    def _next(self, now: float, *, acknowledge: bool = False) -> bytes | None:
        if self._under_way is not None or not self._out or self._paused_by_client:
            return None
        data = bytes(self._out[:MAXIMUM_DATA])
        del self._out[:MAXIMUM_DATA]
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        self._under_way = _UnderWay(self._sequence, data, now)
        self._balance()
        return self._encode(self._sequence, data, acknowledge=acknowledge)

    def _encode(self, sequence: int, data: bytes, status: int = 0, *, acknowledge: bool = False) -> bytes:
        if self._unavailable:
            status |= Status.UNAVAILABLE
        heard, accepted = (self._heard, self._accepted) if acknowledge else (0, 0)
        return bytes((sequence, heard, accepted, status)) + data

    def _retry_at(self, under_way: _UnderWay) -> float:
        """Nothing is given up while the session lasts, but after the set number of tries they become rare."""
        wait_s = self._retry_s if under_way.tries <= self._retries else max(_SLOW_RETRY_S, self._retry_s)
        return under_way.sent_at + wait_s

    def _balance(self) -> None:
        full = len(self._out) > PAUSE_ABOVE
        if full != self._paused_port:
            self._paused_port = full
            self._port.pause(full)
