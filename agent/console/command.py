# SPDX-License-Identifier: Apache-2.0
"""A console that is a command on a pseudo terminal, such as `ssh serial-server port7`. It runs while somebody reads."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import tty
from typing import TYPE_CHECKING

from agent.console.stream import StreamConsole

if TYPE_CHECKING:
    from collections.abc import Sequence

END_S = 2.0


class CommandConsole(StreamConsole):
    """Started anew a second after it has ended, as long as somebody reads."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(command[0])
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None

    def open_stream(self) -> int:
        own, other = os.openpty()
        try:
            tty.setraw(other)
            os.set_blocking(own, False)
            self._process = subprocess.Popen(
                self._command, stdin=other, stdout=other, stderr=other, start_new_session=True
            )
        except OSError:
            os.close(own)
            raise
        finally:
            os.close(other)
        return own

    def close_stream(self, descriptor: int) -> None:
        """Closing the terminal hangs the command up; one that stays is ended."""
        os.close(descriptor)
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0)
            if process.returncode is None:
                _reap_later(process)


def _reap_later(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end off the loop; a command that ignores SIGTERM is killed."""

    def reap() -> None:
        try:
            process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    threading.Thread(target=reap, name="console-end", daemon=True).start()
