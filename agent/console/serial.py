# SPDX-License-Identifier: Apache-2.0
"""A console on a serial device, such as /dev/ttyAMA0."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import termios
import tty

from agent.console.stream import StreamConsole

BREAK_S = 0.3
_BREAK_ON, _BREAK_OFF = 0x5427, 0x5428
"""TIOCSBRK and TIOCCBRK of asm-generic/ioctls.h; Python's termios module does not name them."""
SPEEDS = {
    9600: termios.B9600,
    19200: termios.B19200,
    38400: termios.B38400,
    57600: termios.B57600,
    115200: termios.B115200,
    230400: termios.B230400,
    460800: termios.B460800,
    921600: termios.B921600,
}


class SerialConsole(StreamConsole):
    """8 data bits, no parity; `rtscts` switches hardware flow control on. Opened only while somebody reads."""

    def __init__(self, device: str, baud: int, rtscts: bool) -> None:
        super().__init__(device)
        self._device = device
        self._speed = SPEEDS[baud]
        self._rtscts = rtscts

    def open_stream(self) -> int:
        descriptor = os.open(self._device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            tty.setraw(descriptor, termios.TCSANOW)
            attributes = termios.tcgetattr(descriptor)
            attributes[2] |= termios.CLOCAL | termios.CREAD
            attributes[2] &= ~termios.CRTSCTS
            attributes[2] |= termios.CRTSCTS if self._rtscts else 0
            attributes[4] = attributes[5] = self._speed
            termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
        except termios.error as error:
            os.close(descriptor)
            raise OSError(error.args[0], f"is no serial device: {error.args[1]}") from error
        return descriptor

    def send_break(self) -> None:
        """Begin a break and end it later: the loop does not wait for it."""
        descriptor = self._descriptor
        if descriptor is not None:
            with contextlib.suppress(OSError):
                fcntl.ioctl(descriptor, _BREAK_ON)
                asyncio.get_running_loop().call_later(BREAK_S, self._end_break, descriptor)

    def _end_break(self, descriptor: int) -> None:
        if descriptor == self._descriptor:
            with contextlib.suppress(OSError):
                fcntl.ioctl(descriptor, _BREAK_OFF)
