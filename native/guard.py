# SPDX-License-Identifier: Apache-2.0
"""The guard: a small process that returns buttons to idle when the agent dies, however it dies, and keeps rails."""

from __future__ import annotations

import errno
import os
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from native._core import ffi, lib
from native.errors import GuardAliveError, GuardError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TIMEOUT_MS = 3000
_PATH_BYTES = 107
"""What fits into a unix socket address."""
_start_lock = threading.Lock()
"""The C side prepares the guard in static memory."""


@dataclass(frozen=True)
class GuardedLine:
    """An output: a key that the next agent knows it by, and the descriptor of its one-line request.

    A maintained one is never written; the guard keeps it requested between two agents.
    """

    key: str
    fd: int
    maintained: bool = False


class LineGuard:
    """The agent's tie to its guard.

    Threads: the methods belong to one thread; start() is best called before there are others, so that the guard's
    copy of the process is small.
    """

    def __init__(self, tie: int, pid: int) -> None:
        """Internal; use start()."""
        self._tie = tie
        self.pid = pid
        """The guard's process, no child of this one."""

    @classmethod
    def start(cls, lines: Sequence[GuardedLine], rendezvous: Path) -> LineGuard:
        """Forks a guard for these lines that the next agent finds at the socket `rendezvous` (mode 0600).

        Raises GuardAliveError if a guard answers there already (call take_over() first), GuardError otherwise.
        """
        records = _records(lines)
        pid = ffi.new("int32_t *")
        listener = _listen(rendezvous)
        try:
            with _start_lock:
                tie = lib.GRD_Start(records, len(lines), listener.fileno(), os.fsencode(rendezvous.absolute()), pid)
        finally:
            listener.close()
        if tie < 0:
            rendezvous.unlink(missing_ok=True)
            raise GuardError(f"guard at {rendezvous}: cannot be started: {os.strerror(-tie)}")
        return cls(tie, pid[0])

    @staticmethod
    def take_over(rendezvous: Path) -> dict[str, int]:
        """Takes the lines over from the guard of an agent that is gone: descriptors by key, {} if there is no guard.

        The descriptors belong to the caller; no line changes. Raises GuardAliveError while that agent lives.
        """
        connection = _connect(rendezvous)
        if connection is None:
            return {}
        lines = ffi.new("GRD_Line[]", lib.GRD_MAX_LINES)
        with connection, _start_lock:
            count = lib.GRD_TakeOver(connection.fileno(), lines, lib.GRD_MAX_LINES, _TIMEOUT_MS)
        if count == -errno.EBUSY:
            raise GuardAliveError(f"guard at {rendezvous}: another agent owns the board; stop it first")
        if count < 0:
            raise GuardError(f"guard at {rendezvous}: does not hand its lines over: {os.strerror(-count)}")
        return {ffi.string(line.key).decode(): line.fd for line in lines[0:count]}

    def fileno(self) -> int:
        """Returns a descriptor that becomes readable when the guard has died: report it, and start another."""
        return self._tie

    def is_alive(self) -> bool:
        """Returns whether the guard is there."""
        if self._tie < 0:
            return False
        try:
            with socket.socket(fileno=os.dup(self._tie)) as tie:
                return tie.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def dismiss(self) -> None:
        """Lets the guard go: it writes idle, closes its lines and exits. Idempotent.

        With maintained lines it stays and holds all of them until the next agent takes them over.
        """
        if self._tie < 0:
            return
        lib.GRD_Dismiss(self._tie, _TIMEOUT_MS)
        self.abandon()

    def abandon(self) -> None:
        """Closes the tie of a guard that has died. A living one takes it for the agent's death. Idempotent."""
        if self._tie >= 0:
            os.close(self._tie)
            self._tie = -1


def _records(lines: Sequence[GuardedLine]) -> object:
    if len(lines) > lib.GRD_MAX_LINES:
        raise GuardError(f"guard: {len(lines)} lines; it takes {lib.GRD_MAX_LINES}")
    records = ffi.new("GRD_Line[]", max(len(lines), 1))
    for record, line in zip(records, lines, strict=False):
        key = line.key.encode()
        if not 0 < len(key) < lib.GRD_KEY_SIZE or b"\0" in key:
            raise GuardError(f"guard: key {line.key!r} must have 1 to {lib.GRD_KEY_SIZE - 1} bytes")
        record.key = key
        record.fd = line.fd
        record.maintained = line.maintained
    return records


def _check_path(rendezvous: Path) -> str:
    path = str(rendezvous.absolute())
    if len(os.fsencode(path)) > _PATH_BYTES:
        raise GuardError(f"guard at {path}: longer than the {_PATH_BYTES} bytes of a socket path; use a shorter one")
    return path


def _connect(rendezvous: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(_check_path(rendezvous))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise GuardError(f"guard at {rendezvous}: {error.strerror}") from error
    return connection


def _listen(rendezvous: Path) -> socket.socket:
    path = _check_path(rendezvous)
    other = _connect(rendezvous)
    if other is not None:
        other.close()
        raise GuardAliveError(f"guard at {path}: one stands there already; take its lines over first")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        if rendezvous.is_socket():
            rendezvous.unlink()
        # On the socket, before bind(): the file never has another mode.
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(path)
        listener.listen(4)
    except OSError as error:
        listener.close()
        raise GuardError(f"guard at {path}: {error.strerror}; its directory must exist and be writable") from error
    return listener
