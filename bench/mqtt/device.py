# SPDX-License-Identifier: Apache-2.0
"""Bytes that reach the device for each spooled record: ext4 on a loop device, counted by the block layer."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.spool.record import RecordClass, SpoolRecord
from agent.spool.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE_MB = 64
RECORDS = 4000
BATCH = 50
PAYLOAD_BYTES = 256
SECTOR_BYTES = 512
SECTORS_WRITTEN = 6
"""Field of /sys/block/*/stat (Documentation/block/stat.rst of the kernel)."""


def bytes_per_record() -> float | None:
    """4000 records of 256 bytes, synced every 50; None = no loop device here (it takes root)."""
    with contextlib.ExitStack() as stack:
        try:
            folder, device = stack.enter_context(_ext4())
        except (OSError, subprocess.CalledProcessError):
            return None
        spool = Spool(folder / "spool", time.time)
        spool.append(RecordClass.EVENT, [_record(1)])
        spool.sync()
        os.sync()
        before = _written_bytes(device)
        for begin in range(2, 2 + RECORDS, BATCH):
            spool.append(RecordClass.EVENT, [_record(key) for key in range(begin, begin + BATCH)])
            spool.sync()
        os.sync()
        after = _written_bytes(device)
        spool.close()
        return (after - before) / RECORDS


def _record(key: int) -> SpoolRecord:
    return SpoolRecord(key, time.time_ns() // 1_000_000, "event", os.urandom(PAYLOAD_BYTES))


def _written_bytes(device: str) -> int:
    stat = Path("/sys/block", device, "stat").read_text(encoding="ascii")
    return int(stat.split()[SECTORS_WRITTEN]) * SECTOR_BYTES


@contextlib.contextmanager
def _ext4() -> Iterator[tuple[Path, str]]:
    """A fresh file system, and the name of its block device."""
    with tempfile.TemporaryDirectory(prefix="pgood-bench-") as name:
        image, mount = Path(name) / "image", Path(name) / "mount"
        mount.mkdir()
        with image.open("wb") as file:
            file.truncate(IMAGE_MB * 1024 * 1024)
        _run("mkfs.ext4", "-qF", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
        device = _run("losetup", "--find", "--show", str(image)).strip()
        try:
            _run("mount", device, str(mount))
            try:
                yield mount, Path(device).name
            finally:
                _run("umount", str(mount))
        finally:
            _run("losetup", "--detach", device)


def _run(*command: str) -> str:
    path = f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PATH": path})
    return done.stdout
