# SPDX-License-Identifier: Apache-2.0
"""Consoles on a serial device (a pseudo terminal stands in), a pseudo terminal and a command."""

from __future__ import annotations

import asyncio
import os
import sys
import tty
from typing import TYPE_CHECKING

import pytest

from agent.console.command import CommandConsole
from agent.console.pty import PtyConsole
from agent.console.serial import SerialConsole
from agent.sim.console import SimulatedConsole
from ipmi.board import ConsoleBusy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.console.stream import StreamConsole


class Reader:
    def __init__(self) -> None:
        self.data = b""
        self.log: list[str] = []

    def received(self, data: bytes) -> None:
        self.data += data

    def lost(self) -> None:
        self.log.append("lost")

    def regained(self) -> None:
        self.log.append("regained")

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not wanted():
                await asyncio.sleep(0.01)


def play(scene: Callable[[Reader], Awaitable[None]]) -> Reader:
    async def run() -> Reader:
        reader = Reader()
        await scene(reader)
        return reader

    return asyncio.run(run())


def test_pseudo_terminal(tmp_path: Path) -> None:
    """The other program may come before, during and after a reader."""
    link = tmp_path / "console-0"

    async def scene(reader: Reader) -> None:
        console = PtyConsole(link)
        other = os.open(link, os.O_RDWR | os.O_NOCTTY)
        detach = console.attach(reader)
        os.write(other, b"boot\r\n")
        await reader.until(lambda: reader.data == b"boot\r\n")
        assert console.write(b"ls\r") == 3
        assert os.read(other, 10) == b"ls\r"
        with pytest.raises(ConsoleBusy):
            console.attach(reader)
        os.close(other)
        other = os.open(link, os.O_RDWR | os.O_NOCTTY)
        os.write(other, b"again")
        await reader.until(lambda: reader.data.endswith(b"again"))
        detach()
        assert console.write(b"x") == 0
        console.attach(reader)
        console.close()
        os.close(other)

    assert play(scene).log == []
    assert not link.is_symlink()


def test_pause_leaves_characters_where_they_are(tmp_path: Path) -> None:
    async def scene(reader: Reader) -> None:
        console = PtyConsole(tmp_path / "console")
        other = os.open(tmp_path / "console", os.O_RDWR | os.O_NOCTTY)
        console.attach(reader)
        console.pause(True)
        os.write(other, b"held")
        await asyncio.sleep(0.05)
        assert reader.data == b""
        console.pause(False)
        await reader.until(lambda: reader.data == b"held")
        os.close(other)
        console.close()

    play(scene)


def test_serial_device_that_goes_and_comes_back(tmp_path: Path) -> None:
    """A USB adapter is pulled and plugged in again: its node leads to another device then."""
    node = tmp_path / "ttyUSB0"

    async def scene(reader: Reader) -> None:
        own, other = os.openpty()
        tty.setraw(other)
        node.symlink_to(os.ttyname(other))
        console = SerialConsole(str(node), 115200, rtscts=False)
        console.attach(reader)
        os.write(own, b"login: ")
        await reader.until(lambda: reader.data == b"login: ")
        console.write(b"root\r")
        assert os.read(own, 10) == b"root\r"
        console.send_break()
        os.close(other)
        os.close(own)
        await reader.until(lambda: reader.log[:1] == ["lost"])
        assert console.write(b"x") == 0
        own, other = os.openpty()
        tty.setraw(other)
        node.unlink()
        node.symlink_to(os.ttyname(other))
        await reader.until(lambda: "regained" in reader.log)
        os.write(own, b"back")
        await reader.until(lambda: reader.data.endswith(b"back"))
        console.close()
        os.close(own)
        os.close(other)

    play(scene)


@pytest.mark.parametrize("target", ["/dev/null", "/nonexistent"])
def test_what_is_no_serial_device(target: str) -> None:
    async def scene(reader: Reader) -> None:
        console = SerialConsole(target, 9600, rtscts=True)
        console.attach(reader)
        assert console.write(b"x") == 0
        console.close()

    assert play(scene).log == ["lost"]


def test_command() -> None:
    script = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print(line[::-1], flush=True)"

    async def scene(reader: Reader) -> None:
        console = CommandConsole([sys.executable, "-c", script])
        detach = console.attach(reader)
        await reader.until(lambda: b"ready" in reader.data)
        console.write(b"olleh\n")
        await reader.until(lambda: b"hello" in reader.data)
        detach()

    play(scene)


def test_a_command_that_ends_is_started_again() -> None:
    async def scene(reader: Reader) -> None:
        console: StreamConsole = CommandConsole([sys.executable, "-c", "print('once')"])
        console.attach(reader)
        await reader.until(lambda: reader.data.count(b"once") == 2)
        console.close()

    assert play(scene).log[:2] == ["lost", "regained"]


def test_a_command_that_is_not_there() -> None:
    async def scene(reader: Reader) -> None:
        console = CommandConsole(["/nonexistent/program"])
        console.attach(reader)
        console.close()

    assert play(scene).log == ["lost"]


def test_simulated_host_without_power_is_silent() -> None:
    async def scene(reader: Reader) -> None:
        powered = False
        console = SimulatedConsole("0", lambda: powered)
        detach = console.attach(reader)
        console.write(b"hello\r")
        await asyncio.sleep(0.01)
        assert reader.data == b""
        powered = True
        console.write(b"hello\r")
        await reader.until(lambda: b"hello yourself" in reader.data)
        detach()

    play(scene)
