# SPDX-License-Identifier: Apache-2.0
"""What all consoles with a file descriptor share: reading on the loop, one reader at a time, reconnecting."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from ipmi.board import ConsoleBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import ConsoleReader

log = logging.getLogger(__name__)

READ_BYTES = 4096
REOPEN_S = 1.0


class StreamConsole:
    """Implements ipmi.board.Console. Subclasses open and close the descriptor. Used on the loop's thread."""

    def __init__(self, name: str) -> None:
        """`name` is for messages: what the profile says."""
        self._name = name
        self._descriptor: int | None = None
        self._reader: ConsoleReader | None = None
        self._paused = False
        self._reading = False
        self._reopen: asyncio.TimerHandle | None = None

    def open_stream(self) -> int:
        """A descriptor that does not block. Raises OSError."""
        raise NotImplementedError

    def close_stream(self, descriptor: int) -> None:
        os.close(descriptor)

    def attach(self, reader: ConsoleReader) -> Callable[[], None]:
        if self._reader is not None:
            raise ConsoleBusy
        self._reader, self._paused = reader, False
        self._open()
        return self._detach

    def write(self, data: bytes) -> int:
        if self._descriptor is None:
            return 0
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._lost(error)
            return 0

    def send_break(self) -> None:
        """Nothing to break on most streams."""

    def pause(self, paused: bool) -> None:
        self._paused = paused
        self._watch()

    def close(self) -> None:
        """Let the device go for good."""
        self._detach()

    def _detach(self) -> None:
        if self._reopen is not None:
            self._reopen.cancel()
            self._reopen = None
        self._close()
        self._reader = None

    def _open(self, *, again: bool = False) -> None:
        self._reopen = None
        try:
            self._descriptor = self.open_stream()
        except OSError as error:
            if not again:
                log.warning("console %s: %s", self._name, error.strerror or error)
            self._lost(None)
            return
        self._watch()
        if again and self._reader is not None:
            log.info("console %s is back", self._name)
            self._reader.regained()

    def _watch(self) -> None:
        wanted = self._descriptor is not None and not self._paused
        if wanted is not self._reading and self._descriptor is not None:
            loop = asyncio.get_running_loop()
            if wanted:
                loop.add_reader(self._descriptor, self._readable)
            else:
                loop.remove_reader(self._descriptor)
            self._reading = wanted

    def _readable(self) -> None:
        if self._descriptor is None or self._reader is None:
            return
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
            return
        if data:
            self._reader.received(data)
        else:
            self._lost(None)

    def _lost(self, error: OSError | None) -> None:
        """The device went away (a USB adapter pulled, a command ended): try again every second while somebody reads."""
        if error is not None:
            log.warning("console %s: %s", self._name, error.strerror or error)
        self._close()
        if self._reader is not None:
            self._reader.lost()
            if self._reopen is None:
                self._reopen = asyncio.get_running_loop().call_later(REOPEN_S, lambda: self._open(again=True))

    def _close(self) -> None:
        if self._descriptor is not None:
            if self._reading:
                asyncio.get_running_loop().remove_reader(self._descriptor)
                self._reading = False
            descriptor, self._descriptor = self._descriptor, None
            self.close_stream(descriptor)
