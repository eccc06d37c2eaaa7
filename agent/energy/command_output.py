# SPDX-License-Identifier: Apache-2.0
"""Runs a program of the owner's for its first bytes: whatever it prints or starts, it is gone within its time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def first_bytes(command: Sequence[str], most: int, within_s: float) -> bytes | None:
    """What it prints, up to `most` bytes; None = it fails, or has not ended in time. Blocks for `within_s` at most.

    A program that prints more is taken at its first bytes. What it leaves running in its group is killed, so that
    nothing of it holds the pipe. Raises OSError where it cannot be started, ValueError for what is no command.
    """
    deadline_s = time.monotonic() + within_s
    with subprocess.Popen(
        tuple(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            told = _read(process.stdout.fileno(), most, deadline_s)
            if told is None or len(told) >= most:
                return told
            return told if process.wait(max(deadline_s - time.monotonic(), 0.0)) == 0 else None
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _read(descriptor: int, most: int, deadline_s: float) -> bytes | None:
    """Up to the end; None = that did not come in time."""
    told = b""
    while len(told) < most:
        ready, _, _ = select.select([descriptor], [], [], max(deadline_s - time.monotonic(), 0.0))
        if not ready:
            return None
        part = os.read(descriptor, most - len(told))
        if not part:
            break
        told += part
    return told
