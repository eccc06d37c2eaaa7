# SPDX-License-Identifier: Apache-2.0
"""How far the broker got: one key in a file of two slots, written in turn, so that one of them is always whole."""

from __future__ import annotations

import contextlib
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from agent.spool.files import Files

SLOT = struct.Struct("<8sQQI")
"""Magic, turn, key, CRC-32 of what precedes it."""
MAGIC = b"PGCURS1\n"
STRIDE = 512
"""A sector for each slot: a torn write spoils one."""


class Cursor:
    """Storage thread only. Not synced: what a power cut takes is sent again, under the same ids."""

    def __init__(self, file: Path, files: Files) -> None:
        self._file = file
        self._files = files
        self._descriptor: int | None = None
        self._turn = 0
        self.key = 0
        """Nothing up to this key is owed any more."""
        self.known = False
        """Whether there ever was a key."""
        self.unstored = False
        for slot in range(2):
            with contextlib.suppress(OSError):
                self._take(files.read(file, slot * STRIDE, SLOT.size))

    def _take(self, data: bytes) -> None:
        if len(data) != SLOT.size:
            return
        magic, turn, key, checksum = SLOT.unpack(data)
        if magic == MAGIC and checksum == zlib.crc32(data[:-4]) and (turn > self._turn or not self.known):
            self._turn, self.key, self.known = turn, key, True

    def put(self, key: int) -> None:
        """Raises OSError when it could not be stored; it holds in memory all the same."""
        self.key, self.known, self.unstored = key, True, True
        self.store()

    def store(self) -> None:
        """Write the key, if the last attempt failed. Raises OSError."""
        if not self.unstored:
            return
        self._turn += 1
        key = self.key
        data = SLOT.pack(MAGIC, self._turn, key, 0)[:-4]
        if self._descriptor is None:
            self._descriptor = self._files.reopen(self._file)
        self._files.write(self._descriptor, data + struct.pack("<I", zlib.crc32(data)), self._turn % 2 * STRIDE)
        self.unstored = False

    def close(self) -> None:
        if self._descriptor is not None:
            self._files.close(self._descriptor)
            self._descriptor = None
