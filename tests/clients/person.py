# SPDX-License-Identifier: Apache-2.0
"""A person at a pseudo terminal, for verbs that ask."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time

from tests.patience import PATIENCE_S


class Person:
    """Types at a pseudo terminal, and reads what is on it."""

    def __init__(self, *command: str) -> None:
        self._master, slave = pty.openpty()
        # A session of its own: passwords are asked for on the controlling terminal, which must not be the tester's.
        self._process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.screen = ""
        self._read = 0

    def waits_for(self, text: str) -> None:
        """Until this is on the screen, after what was waited for before."""
        deadline_s = time.monotonic() + PATIENCE_S
        while text not in self.screen[self._read :]:
            assert time.monotonic() < deadline_s, f"no {text!r} on the screen:\n{self.screen}"
            if not self._more():
                raise AssertionError(f"ended without {text!r}:\n{self.screen}")
        self._read = self.screen.index(text, self._read) + len(text)

    def types(self, text: str) -> None:
        os.write(self._master, text.encode() + b"\n")

    def presses_ctrl_c(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def ends(self) -> int:
        """The exit code; everything is on the screen then."""
        while self._more():
            pass
        code = self._process.wait(PATIENCE_S)
        os.close(self._master)
        return code

    def _more(self) -> bool:
        if not select.select([self._master], [], [], PATIENCE_S)[0]:
            return False
        try:
            data = os.read(self._master, 4096)
        except OSError:  # the other end is closed
            return False
        self.screen += data.decode().replace("\r\n", "\n")
        return bool(data)
