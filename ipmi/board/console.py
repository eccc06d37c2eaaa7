# SPDX-License-Identifier: Apache-2.0
"""The serial console of a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class ConsoleReader(Protocol):
    """Who is told what the console says."""

    def received(self, data: bytes) -> None: ...

    def lost(self) -> None:
        """The device is gone; it is tried again by itself, or will not come back while attached."""
        ...

    def regained(self) -> None: ...


class Console(Protocol):
    """One host's console; one reader at a time. Calls return at once."""

    def attach(self, reader: ConsoleReader) -> Callable[[], None]:
        """Begin to read; the result ends it. Raises ConsoleBusy when somebody else reads."""
        ...

    def write(self, data: bytes) -> int:
        """Send to the host; how many bytes were taken. The rest may be tried again a little later."""
        ...

    def send_break(self) -> None: ...

    def pause(self, paused: bool) -> None:
        """Stop or go on reading: the one who reads cannot keep up."""
        ...


class ConsoleBusy(Exception):
    """Somebody else has the console."""
