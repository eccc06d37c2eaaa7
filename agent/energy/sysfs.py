# SPDX-License-Identifier: Apache-2.0
"""Small kernel files under a root folder. A file that is missing, forbidden or unwilling is an answer, no exception."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

MAX_BYTES = 4096
"""A file of sysfs is one page at most."""
ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ELOOP})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class Fault(Enum):
    """Why a file gave no value, or took none."""

    ABSENT = "absent"
    """The kernel has no such file, or its device is gone."""
    FORBIDDEN = "forbidden"
    """It is there, and not for us."""
    REFUSED = "refused"
    """It was opened, and the kernel or the firmware behind it said no."""


@dataclass(frozen=True, slots=True)
class Failed:
    """`reason` is one sentence with the file and, where there is one, the cure."""

    fault: Fault
    reason: str


class Sysfs:
    """Reads and writes below `root`, `/sys` or a folder like it. Calls may block; use it on a thread of its own."""

    def __init__(self, root: Path = Path("/sys")) -> None:
        self.root = root

    def text(self, file: str) -> str | Failed:
        """What the file says, without the white space around it."""
        try:
            descriptor = self._open(file, os.O_RDONLY)
        except OSError as error:
            return self._not_opened(file, error, "read")
        try:
            return self._get(file, descriptor).decode("ascii", "replace").strip()
        except OSError as error:
            return self._not_done(file, error, "read")
        finally:
            os.close(descriptor)

    def number(self, file: str) -> int | Failed:
        text = self.text(file)
        if isinstance(text, Failed):
            return text
        if not INTEGER.fullmatch(text):
            return Failed(Fault.REFUSED, f"{self.root / file} reads {text[:20]!r}, which is no number")
        return int(text)

    def words(self, file: str) -> tuple[str, ...] | Failed:
        """A list, such as that of the governors."""
        text = self.text(file)
        return text if isinstance(text, Failed) else tuple(text.split())

    def write(self, file: str, value: str | int) -> Failed | None:
        """Never creates a file. That the kernel took it does not mean that it is in force: read it back."""
        try:
            descriptor = self._open(file, os.O_WRONLY | os.O_TRUNC)
        except OSError as error:
            return self._not_opened(file, error, "write")
        try:
            self._put(file, descriptor, f"{value}\n".encode("ascii"))
        except OSError as error:
            return self._not_done(file, error, f"take {value}")
        finally:
            os.close(descriptor)
        return None

    def names(self, folder: str, pattern: str = "*") -> tuple[str, ...]:
        """What is in a folder, in order of the numbers in the names; nothing where there is no such folder."""
        try:
            found = [name for name in os.listdir(self.root / folder) if fnmatchcase(name, pattern)]
        except OSError:
            return ()
        return tuple(sorted(found, key=_natural))

    def exists(self, file: str) -> bool:
        return (self.root / file).exists()

    def _open(self, file: str, flags: int) -> int:
        return os.open(self.root / file, flags | os.O_NOFOLLOW | os.O_CLOEXEC)

    def _get(self, file: str, descriptor: int) -> bytes:
        return os.read(descriptor, MAX_BYTES)

    def _put(self, file: str, descriptor: int, data: bytes) -> None:
        os.write(descriptor, data)

    def _not_opened(self, file: str, error: OSError, verb: str) -> Failed:
        path = self.root / file
        if error.errno in ABSENT:
            return Failed(Fault.ABSENT, f"{path}: {_words(error)}; this machine or its kernel does not have it")
        if error.errno in FORBIDDEN:
            cure = "the kernel only lets it be read" if verb == "write" and _read_only(path) else "run pgood as root"
            return Failed(Fault.FORBIDDEN, f"{path}: {_words(error)}; {cure}")
        return Failed(Fault.REFUSED, f"{path}: it cannot be opened to {verb}: {_words(error)}")

    def _not_done(self, file: str, error: OSError, verb: str) -> Failed:
        path = self.root / file
        if error.errno in ABSENT:
            return Failed(Fault.ABSENT, f"{path}: {_words(error)}; its device is gone")
        if error.errno in FORBIDDEN:
            why = "the firmware has locked it (look into the machine's set-up)"
            return Failed(Fault.REFUSED, f"{path} does not {verb}: {_words(error)}; {why}")
        return Failed(Fault.REFUSED, f"{path} does not {verb}: {_words(error)}")


def _words(error: OSError) -> str:
    return os.strerror(error.errno or errno.EIO)


def _read_only(path: Path) -> bool:
    try:
        return not path.stat().st_mode & 0o222
    except OSError:
        return False


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """policy2 before policy10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name))
