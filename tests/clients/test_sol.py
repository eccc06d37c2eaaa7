# SPDX-License-Identifier: Apache-2.0
"""A person at a terminal uses the serial console of a host, with ipmitool and with FreeIPMI."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.clients.demo import Demo, start_demo
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.client


class Terminal:
    """A program on a pseudo terminal."""

    def __init__(self, command: list[str]) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        self.text = ""

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def until(self, wanted: str) -> None:
        """Read until this text has come."""
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"no {wanted!r} in {self.text!r}"
            if select.select([self._descriptor], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self._descriptor, 4096).decode(errors="replace")
                except OSError as error:
                    raise AssertionError(f"ended before {wanted!r}: {self.text!r}") from error

    def ended(self) -> None:
        """Wait until the program is gone: it says goodbye to the person first, and to the server afterwards."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert time.monotonic() < deadline, f"still there after {self.text!r}"
            if select.select([self._descriptor], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self._descriptor, 4096).decode(errors="replace")
                except OSError:
                    return

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._descriptor)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """As everywhere, but on a port that ipmiconsole takes: it calls a host with a port above 32767 invalid."""
    for port in range(20_000 + os.getpid() % 1000, 30_000, 7):  # not where another run on this computer looks first
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as finder, contextlib.suppress(OSError):
            finder.bind(("127.0.0.1", port))
            break
    running = start_demo(tmp_path_factory.mktemp("demo"), "--ipmi", f"127.0.0.1:{port}")
    yield running
    code, output = running.stop()
    assert code == 0, output


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def ipmitool(demo: Demo) -> list[str]:
    ipmi = demo.ready["ipmi"]
    where = ["-H", ipmi["host"], "-p", str(ipmi["port"]), "-U", ipmi["user"], "-P", ipmi["password"]]
    return ["ipmitool", "-I", "lanplus", *where, "sol", "activate"]


def ipmiconsole(demo: Demo) -> list[str]:
    ipmi = demo.ready["ipmi"]
    return ["ipmiconsole", "-h", f"{ipmi['host']}:{ipmi['port']}", "-u", ipmi["user"], "-p", ipmi["password"]]


@pytest.mark.parametrize(("client", "escape"), [(ipmitool, "~"), (ipmiconsole, "&")], ids=["ipmitool", "ipmiconsole"])
def test_a_person_types(demo: Demo, terminals: list[Terminal], client: object, escape: str) -> None:
    demo.pgood("power", "on")
    terminal = Terminal(client(demo))  # type: ignore[operator]
    terminals.append(terminal)
    terminal.until("sim#")
    terminal.type("hello\r")
    terminal.until("hello yourself")
    terminal.type("\r")
    terminal.type(f"{escape}B")
    terminal.until("[break]")
    terminal.type(f"\r{escape}.")
    terminal.until("terminated" if escape == "~" else "closing the connection")
    terminal.ended()


def test_a_taken_console_is_said_and_can_be_freed(demo: Demo, terminals: list[Terminal]) -> None:
    demo.pgood("power", "on")
    first = Terminal(ipmitool(demo))
    terminals.append(first)
    first.until("sim#")
    second = Terminal(ipmitool(demo))
    terminals.append(second)
    second.until("already active on another session")
    demo.ipmitool("sol", "deactivate")
    third = Terminal(ipmitool(demo))
    terminals.append(third)
    third.until("sim#")
    third.type("uname\r")
    third.until("Simulated\r\n")


def test_without_the_right(demo: Demo) -> None:
    demo.ipmitool("sol", "payload", "disable", "1", "2")
    terminal = Terminal(ipmitool(demo))
    try:
        terminal.until("nsufficient privilege")
    finally:
        terminal.close()
        demo.ipmitool("sol", "payload", "enable", "1", "2")
