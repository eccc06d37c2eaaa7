# SPDX-License-Identifier: Apache-2.0
"""Boots a guest, streams what its command prints, and returns the command's exit code."""

from __future__ import annotations

import contextlib
import enum
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tests.lab import kernel
from tests.lab.engine import built_kernel
from tests.lab.errors import LabError
from tests.lab.guest import RunFolder
from tests.lab.machine import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.options import GuestOptions

POLL_S = 0.02
CONSOLE_TAIL = 4000
DISK_BYTES = 64 * 1024 * 1024


class ExitCode(enum.IntEnum):
    """What the lab itself returns; every other number is the command's own."""

    TIMED_OUT = 124
    GUEST_DIED = 125
    POWER_CUT = 137
    TERMINATED = 143


class _End(enum.Enum):
    STOPPED = enum.auto()
    TIMED_OUT = enum.auto()
    POWER_CUT = enum.auto()


def run(options: GuestOptions) -> int:
    """Run the command in a guest of its own. Blocks; any number of runs may go on side by side."""
    built = built_kernel(options.engine)
    if not kernel.is_current(built):
        raise LabError(f"no current kernel in {built.root}: run `python -m tests.lab setup` first")
    if options.disk:
        _make_disk(options.disk)
    # A terminated lab must not leave its guest behind: leave through the finally clauses below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.TERMINATED))
    with tempfile.TemporaryDirectory(prefix="pgood-lab-", ignore_cleanup_errors=True) as path:
        folder = RunFolder(Path(path))
        folder.fill(options, built, os.environ)
        with _booted(command_line(options, built, folder), folder.console) as guest, _Streams(folder) as streams:
            end = _follow(guest, options, folder, streams)
        return _exit_code(end, options, folder)


@contextlib.contextmanager
def _booted(command: list[str], console: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The guest as a process group of its own, which is gone at the end whatever happened."""
    with console.open("wb") as output:
        guest = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield guest
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guest.pid, signal.SIGKILL)
        guest.wait()


class _Streams:
    """Copies what the guest's command prints to our own standard output and error as it appears."""

    def __init__(self, folder: RunFolder) -> None:
        self._pairs: list[tuple[BinaryIO, BinaryIO]] = [
            (folder.stdout.open("rb"), sys.stdout.buffer),
            (folder.stderr.open("rb"), sys.stderr.buffer),
        ]

    def copy(self) -> None:
        for source, sink in self._pairs:
            shutil.copyfileobj(source, sink)
            sink.flush()

    def __enter__(self) -> _Streams:
        return self

    def __exit__(self, *_: object) -> None:
        for source, _sink in self._pairs:
            source.close()


def _follow(guest: subprocess.Popen[bytes], options: GuestOptions, folder: RunFolder, streams: _Streams) -> _End:
    deadline = time.monotonic() + options.timeout_s
    cut_at: float | None = None
    end: _End | None = None
    while end is None:
        time.sleep(POLL_S)
        now = time.monotonic()
        if options.power_cut_s is not None and cut_at is None and folder.began.exists():
            cut_at = now + options.power_cut_s
        if guest.poll() is not None or folder.exit_code.exists():
            end = _End.STOPPED
        elif now > deadline:
            end = _End.TIMED_OUT
        elif cut_at is not None and now > cut_at:
            end = _End.POWER_CUT
        streams.copy()  # after the look at the exit code: whatever was printed before it is there by now
    return end


def _exit_code(end: _End, options: GuestOptions, folder: RunFolder) -> int:
    if folder.exit_code.exists():
        return int(folder.exit_code.read_text(encoding="ascii"))
    if end is _End.POWER_CUT:
        return ExitCode.POWER_CUT
    console = folder.console.read_text(encoding="utf-8", errors="replace")
    print(console[-CONSOLE_TAIL:], file=sys.stderr)
    if end is _End.TIMED_OUT:
        print(f"lab: timed out after {options.timeout_s:g} s", file=sys.stderr)
        return ExitCode.TIMED_OUT
    print("lab: the guest died; its console is above", file=sys.stderr)
    return ExitCode.GUEST_DIED


def _make_disk(image: Path) -> None:
    if image.exists():
        return
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["/sbin/mkfs.ext4", "-qF", image], check=True)
