# SPDX-License-Identifier: Apache-2.0
"""A stand-in for systemd: the part of its protocol that a service of Type=notify with a descriptor store sees."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

WITHIN_S = 60.0
HIGH = 200
"""Kept descriptors live above this, out of the way of the numbers that a service is started with."""
START = 'LISTEN_PID=$$ exec "$@"'


class ServiceManager:
    """Starts one service after another, hears what they tell, keeps what they store."""

    def __init__(self, folder: Path) -> None:
        self.messages: list[dict[str, str]] = []
        """Everything that was told, in order; `pid` is the sender's."""
        self.store: list[tuple[str, int]] = []
        """Names and descriptors, as systemd keeps them: until they are to be forgotten or the service is stopped."""
        self.pid = 0
        self._address = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._address))
        self._heard = threading.Condition()
        self._thread = threading.Thread(target=self._hear, daemon=True)

    def __enter__(self) -> ServiceManager:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"", str(self._address))
        self._thread.join(WITHIN_S)
        self.forget_all()
        self._socket.close()

    def start(self, argv: Sequence[str], log: Path, more: Mapping[str, str] | None = None) -> None:
        """Start the service with what is in the store, and wait until it is ready."""
        environment = {**os.environ, **(more or {}), "NOTIFY_SOCKET": str(self._address)}
        actions = [
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        if self.store:
            environment["LISTEN_FDS"] = str(len(self.store))
            environment["LISTEN_FDNAMES"] = ":".join(name for name, _ in self.store)
            actions += [(os.POSIX_SPAWN_DUP2, kept, 3 + place) for place, (_, kept) in enumerate(self.store)]
        self.pid = os.posix_spawn("/bin/sh", ["sh", "-c", START, "service", *argv], environment, file_actions=actions)
        self.wait("READY", log)

    def wait(self, key: str, log: Path | None = None, value: str = "1") -> None:
        """Wait until the running service has told `key=value`."""
        deadline_s = time.monotonic() + WITHIN_S
        with self._heard:
            while not any(told.get(key) == value and told["pid"] == str(self.pid) for told in self.messages):
                left_s = deadline_s - time.monotonic()
                ended = os.waitpid(self.pid, os.WNOHANG)[0] if self.pid else 0
                if ended:
                    self.pid = 0
                assert left_s > 0 and not ended, (key, self.messages, log.read_text() if log else "")  # noqa: PT018
                self._heard.wait(min(left_s, 0.1))

    def hear_all(self) -> None:
        """Wait until everything is heard that was told before."""
        mark = str(uuid.uuid4())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(f"MARK={mark}".encode(), str(self._address))
        with self._heard:
            there = self._heard.wait_for(lambda: any(told.get("MARK") == mark for told in self.messages), WITHIN_S)
        assert there, "the stand-in hears nothing"

    def stop(self) -> int:
        """SIGTERM to the main process alone, as KillMode=process has it; its exit code. The store stays: a restart."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def forget_all(self) -> None:
        """What systemd does once a service is stopped for good."""
        with self._heard:
            for _, descriptor in self.store:
                os.close(descriptor)
            self.store.clear()

    def told(self, key: str) -> list[str]:
        """Every value that the running service told for a key."""
        with self._heard:
            return [told[key] for told in self.messages if key in told and told["pid"] == str(self.pid)]

    def _end(self, number: signal.Signals) -> int:
        if not self.pid:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def _hear(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        room = socket.CMSG_SPACE(12) + socket.CMSG_SPACE(4 * 64)
        while True:
            content, ancillary, _, _ = self._socket.recvmsg(4096, room, socket.MSG_CMSG_CLOEXEC)
            if not content:
                return
            told = dict(line.split("=", 1) for line in content.decode().splitlines())
            descriptors: list[int] = []
            for _, kind, data in ancillary:
                if kind == socket.SCM_RIGHTS:
                    descriptors += [
                        int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data) // 4 * 4, 4)
                    ]
                else:
                    told["pid"] = str(int.from_bytes(data[:4], "little"))
            with self._heard:
                self._work(told, descriptors)
                self.messages.append(told)
                self._heard.notify_all()

    def _work(self, told: Mapping[str, str], descriptors: Sequence[int]) -> None:
        name = told.get("FDNAME", "stored")
        if told.get("FDSTORE") == "1":
            self.store += [(name, fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH)) for fd in descriptors]
        if told.get("FDSTOREREMOVE") == "1":
            for entry in [entry for entry in self.store if entry[0] == name]:
                os.close(entry[1])
                self.store.remove(entry)
        for descriptor in descriptors:  # of a barrier too: closing it is the answer
            os.close(descriptor)
