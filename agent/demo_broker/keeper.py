# SPDX-License-Identifier: Apache-2.0
"""`python -m agent.demo_broker.keeper COMMAND...`: run a command until it ends or standard input does.

The keeper ends when the agent does, in whatever way, because the pipe closes; should the keeper itself be killed,
the kernel kills the command.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
STOP_S = 1.0


def keep(command: Sequence[str]) -> int:
    """The command's exit code; 0 when it was stopped because standard input ended."""
    libc = ctypes.CDLL(None, use_errno=True)
    keeper = os.getpid()

    def die_with_keeper() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)

    # Safe here, unlike in the agent: this process has one thread, and it is the one whose death counts.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_keeper)
    descriptor = os.pidfd_open(child.pid)
    while True:
        ready, _, _ = select.select([0, descriptor], [], [])
        if descriptor in ready:
            return child.wait()
        if not os.read(0, 4096):
            break
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    return 0


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
