# SPDX-License-Identifier: Apache-2.0
"""A console on a pseudo terminal: another program (an emulator, a UART server) opens the other end by its path."""

from __future__ import annotations

import contextlib
import os
import tty
from typing import TYPE_CHECKING

from agent.console.stream import StreamConsole

if TYPE_CHECKING:
    from pathlib import Path


class PtyConsole(StreamConsole):
    """Made at start and there until the end, so that the other program may come and go. `link` names its end."""

    def __init__(self, link: Path) -> None:
        """Raises OSError."""
        super().__init__(str(link))
        self._link = link
        self._own, self._other = os.openpty()
        tty.setraw(self._other)
        os.set_blocking(self._own, False)
        with contextlib.suppress(FileNotFoundError):
            link.unlink()
        link.symlink_to(os.ttyname(self._other))

    def open_stream(self) -> int:
        return self._own

    def close_stream(self, descriptor: int) -> None:
        """It stays open between readers."""

    def close(self) -> None:
        super().close()
        for descriptor in (self._own, self._other):
            os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            self._link.unlink()
