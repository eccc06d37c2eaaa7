# SPDX-License-Identifier: Apache-2.0
"""Tells the service manager about this process: the datagrams of sd_notify(3)."""

from __future__ import annotations

import logging
import os
import select
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

ADDRESS = "NOTIFY_SOCKET"
SEND_WITHIN_S = 1.0
MAX_STATUS = 200


class Notifier:
    """Without a service manager every method does nothing. No failure to tell it something is an error of ours.

    Threads: any; a call takes at most SEND_WITHIN_S, and no time at all for `alive` and `status`.
    """

    def __init__(self, address: str = "") -> None:
        """`address` of the manager's socket: a path, or a name after `@`; empty = there is no manager."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._status = ""
        self._failed = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Notifier:
        address = environment.get(ADDRESS, "")
        return cls(address if address.startswith(("/", "@")) else "")

    def __bool__(self) -> bool:
        """Whether there is a service manager."""
        return self._address != ""

    def ready(self, status: str) -> None:
        """Everything answers: the service counts as started."""
        self._status = _status(status)
        self._send(f"READY=1\nSTATUS={self._status}")

    def reloading(self) -> None:
        """The process is about to begin anew, and says `ready` again."""
        self._send("RELOADING=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        if _status(text) != self._status:
            self._status = _status(text)
            self._send(f"STATUS={self._status}", within_s=0)

    def alive(self) -> None:
        """To be said more often than the watchdog's time."""
        self._send("WATCHDOG=1", within_s=0)

    def keep(self, name: str, descriptor: int) -> bool:
        """Have a copy of a descriptor kept for the next process of this service; whether it was sent.

        `name`: at most 255 printable ASCII characters without a colon.
        """
        return self._send(f"FDSTORE=1\nFDNAME={name}", (descriptor,))

    def forget(self, name: str) -> None:
        """Have the kept descriptors of a name closed."""
        self._send(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def wait(self, within_s: float = 5.0) -> bool:
        """Wait until the manager has worked on everything that it was told so far; whether it has."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            sent = self._send("BARRIER=1", (writing,))
            os.close(writing)
            writing = -1
            return sent and _hangs_up(reading, within_s)
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)

    def _send(self, text: str, descriptors: Sequence[int] = (), within_s: float = SEND_WITHIN_S) -> bool:
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(within_s)
                out.connect(self._address)
                socket.send_fds(out, [text.encode()], list(descriptors))
        except OSError as error:
            if not self._failed:
                log.warning("the service manager cannot be told %s: %s", text.partition("=")[0], error)
            self._failed = True
            return False
        self._failed = False
        return True


def _hangs_up(reading: int, within_s: float) -> bool:
    poll = select.poll()
    poll.register(reading, 0)  # nothing is ever written: only the end of the last copy is told
    return bool(poll.poll(within_s * 1000))


def _status(text: str) -> str:
    return " ".join(text.split())[:MAX_STATUS]
