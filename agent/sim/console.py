# SPDX-License-Identifier: Apache-2.0
"""The serial console of a simulated host: a tiny shell that echoes, so that `ipmitool sol activate` shows something."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ipmi.board import ConsoleBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import ConsoleReader

PROMPT = b"sim# "
ANSWERS = {b"": b"", b"help": b"help, uname, hello\r\n", b"uname": b"Simulated\r\n", b"hello": b"hello yourself\r\n"}
LINE_LIMIT = 256


class SimulatedConsole:
    """Implements ipmi.board.Console. `powered` tells whether the host has power: without it the console is dead."""

    def __init__(self, name: str, powered: Callable[[], bool]) -> None:
        self._name = name
        self._powered = powered
        self._reader: ConsoleReader | None = None
        self._line = bytearray()

    def attach(self, reader: ConsoleReader) -> Callable[[], None]:
        if self._reader is not None:
            raise ConsoleBusy
        self._reader = reader
        self._line.clear()
        if self._powered():
            self._say(f"Simulated host {self._name}; 'help' lists what it knows.\r\n".encode() + PROMPT)
        return self._detach

    def write(self, data: bytes) -> int:
        if self._powered():
            for byte in data:
                self._key(byte)
        return len(data)

    def send_break(self) -> None:
        self._say(b"\r\n[break]\r\n" + PROMPT)

    def pause(self, paused: bool) -> None:
        """It says little."""

    def close(self) -> None:
        self._detach()

    def _detach(self) -> None:
        self._reader = None

    def _key(self, byte: int) -> None:
        if byte in b"\r\n":
            line, answer = bytes(self._line).strip(), b""
            self._line.clear()
            answer = ANSWERS.get(line, line + b": unknown\r\n")
            self._say(b"\r\n" + answer + PROMPT)
        elif len(self._line) < LINE_LIMIT:
            self._line.append(byte)
            self._say(bytes((byte,)))

    def _say(self, data: bytes) -> None:
        """On the loop's next turn: whoever writes to a console does not hear it in the same call."""
        asyncio.get_running_loop().call_soon(self._tell, data)

    def _tell(self, data: bytes) -> None:
        if self._reader is not None and self._powered():
            self._reader.received(data)
