# SPDX-License-Identifier: Apache-2.0
"""Log records for systemd's journal: with priority and fields, over its own socket (its native protocol)."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOCKET = "/run/systemd/journal/socket"
STREAM = "JOURNAL_STREAM"
IDENTIFIER = "pgood"
MAX_VALUE_BYTES = 48 * 1024
"""What fits into a datagram beside the other fields; a longer text is cut."""
LENGTH = struct.Struct("<Q")

PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""syslog's: critical, error, warning, informational; debug is what is left."""
DEBUG = 7
ERROR = 3


def priority(level: int) -> int:
    """syslog's priority of a level of logging."""
    return next((number for least, number in PRIORITIES if level >= least), DEBUG)


def stderr_is_journal(environment: Mapping[str, str] = os.environ, descriptor: int = 2) -> bool:
    """Whether what is written to standard error goes to the journal, and nowhere else."""
    try:
        there = os.fstat(descriptor)
    except OSError:
        return False
    return environment.get(STREAM) == f"{there.st_dev}:{there.st_ino}"


def prefixed(text: str, number: int = ERROR) -> str:
    """Text for standard error; for the journal every line says its priority."""
    if not stderr_is_journal():
        return text
    return "\n".join(f"<{number}>{line}" for line in text.splitlines())


class JournalHandler(logging.Handler):
    """Sends each record with its fields. A record may carry more as `fields`: names in capitals, and texts.

    What the journal does not take goes to standard error with its priority in front.
    """

    def __init__(self, path: str = SOCKET) -> None:
        super().__init__()
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            number = getattr(record, "priority", priority(record.levelno))
            datagram = b"".join(encoded(name, value) for name, value in _fields(record, text, number))
            try:
                self._socket.sendto(datagram, self._path)
            except OSError:
                sys.stderr.write("".join(f"<{number}>{line}\n" for line in text.splitlines()))
        except Exception:  # noqa: BLE001 (what logging asks of a handler)
            self.handleError(record)

    def close(self) -> None:
        self._socket.close()
        super().close()


def _fields(record: logging.LogRecord, text: str, number: int) -> Iterator[tuple[str, str]]:
    yield "MESSAGE", text
    yield "PRIORITY", str(number)
    yield "SYSLOG_IDENTIFIER", IDENTIFIER
    yield "PGOOD_LOGGER", record.name
    yield "CODE_FILE", record.pathname
    yield "CODE_LINE", str(record.lineno)
    yield "CODE_FUNC", record.funcName or ""
    if operation := getattr(record, "operation_id", ""):
        yield "PGOOD_OPERATION", operation
    yield from getattr(record, "fields", {}).items()


def encoded(name: str, value: str) -> bytes:
    """One field: `NAME=value`, or, for several lines, the name, a length and the value."""
    content = value.encode("utf-8", "replace")[:MAX_VALUE_BYTES]
    if b"\n" not in content:
        return b"%s=%s\n" % (name.encode("ascii"), content)
    return b"%s\n%s%s\n" % (name.encode("ascii"), LENGTH.pack(len(content)), content)
