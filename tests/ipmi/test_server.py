# SPDX-License-Identifier: Apache-2.0
"""The server on real sockets: addresses, who may speak, slow handlers, floods, the end."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from ipmi.config import ServerConfig
from ipmi.dispatch import Answer, Command
from ipmi.message import NetFn
from ipmi.server import IpmiServer
from tests.patience import until

from .clients import find
from .console import Console, classic, message, open_session, plus
from .memory_board import MemoryBoard, MemoryChassis
from .serve import Served

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import ChassisStatus
    from ipmi.request import Request

    from .clients import Clients

PATIENCE_S = 30.0
PING = bytes.fromhex("0600ff06 000011be 80 07 00 00")


def has_ipv6() -> bool:
    """Whether the loopback interface has its IPv6 address."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def ask(address: str, port: int, wait_s: float = 5.0) -> Callable[[bytes], bytes | None]:
    """A socket of its own; waits for one answer to each datagram."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(wait_s)
    sock.connect((address, port))

    def exchange(datagram: bytes) -> bytes | None:
        sock.send(datagram)
        try:
            return sock.recv(2048)
        except TimeoutError:
            return None

    return exchange


def test_several_addresses_of_both_families() -> None:
    async def scene() -> None:
        server = IpmiServer(MemoryBoard().board())
        first = await server.listen("127.0.0.1", 0)
        second = await server.listen("127.0.0.2", 0)
        third = await server.listen("::1" if has_ipv6() else "127.0.0.3", 0)
        assert [first[0], second[0]] == ["127.0.0.1", "127.0.0.2"]
        loop = asyncio.get_running_loop()
        for host, port in (first, second, third):
            console = Console(ask(host, port))
            await loop.run_in_executor(None, console.login)
            assert await loop.run_in_executor(None, console.run, 0x06, 0x01)
        assert server.counters().sessions == 3
        await server.close()
        assert server.counters().sessions == 0

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("wildcard", "asked"), [("0.0.0.0", "127.0.0.5"), ("::", "127.0.0.5"), ("::", "::1"), ("0.0.0.0", "127.0.0.1")]
)
def test_a_wildcard_answers_from_the_address_that_was_asked(wildcard: str, asked: str) -> None:
    """The client's socket is connected: it takes answers from there and from nowhere else."""
    if wildcard == "::" and not has_ipv6():
        pytest.skip("no IPv6 here")

    async def scene() -> None:
        server = IpmiServer(MemoryBoard().board())
        _, port = await server.listen(wildcard, 0)
        console = Console(ask(asked, port))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, console.login)
        assert (await loop.run_in_executor(None, console.run, 0x06, 0x01))[0] == 0
        assert (await loop.run_in_executor(None, console.run, 0x06, 0x3B, b"\4")) == b"\0\4"
        assert (await loop.run_in_executor(None, console.run, 0x00, 0x02, b"\1")) == b"\0"
        await server.close()

    asyncio.run(scene())


def test_address_in_use_and_address_not_there() -> None:
    async def scene() -> None:
        server = IpmiServer(MemoryBoard().board())
        host, port = await server.listen("127.0.0.1", 0)
        with pytest.raises(OSError, match="in use"):
            await server.listen(host, port)
        with pytest.raises(OSError, match="assign"):
            await server.listen("192.0.2.1", 0)
        await server.close()
        again = IpmiServer(MemoryBoard().board())
        assert await again.listen(host, port) == (host, port)
        await again.close()

    asyncio.run(scene())


def test_only_allowed_addresses_are_answered(parts: MemoryBoard) -> None:
    allow = (ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32"))
    with Served(parts, ServerConfig(allow=allow)) as served:
        assert ask("127.0.0.1", served.port, 0.2)(PING) is None
        until(lambda: served.counters().refused == 1, within_s=PATIENCE_S)
    with Served(parts, ServerConfig(allow=(ipaddress.ip_network("127.0.0.0/8"),))) as served:
        assert ask("127.0.0.1", served.port)(PING) is not None


def test_a_slow_handler_delays_nobody_else() -> None:
    async def scene() -> None:
        server = IpmiServer(MemoryBoard().board())
        release = asyncio.Event()

        async def slow(request: Request) -> Answer:
            await release.wait()
            return b"done"

        server.commands.register(Command(NetFn.OEM_ONE, 0x70, "slow", None, slow))
        host, port = await server.listen("127.0.0.1", 0)
        loop = asyncio.get_running_loop()
        waiting = Console(ask(host, port))
        await loop.run_in_executor(None, waiting.login)
        answer = loop.run_in_executor(None, waiting.run, 0x30, 0x70)
        other = Console(ask(host, port))
        await loop.run_in_executor(None, other.login)
        assert (await loop.run_in_executor(None, other.run, 0x06, 0x01))[0] == 0
        assert not answer.done()
        release.set()
        assert await answer == b"\0done"
        await server.close()

    asyncio.run(scene())


def test_a_handler_that_fails_ends_nothing(parts: MemoryBoard, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemoryChassis):
        def status(self) -> ChassisStatus:
            raise RuntimeError("on purpose")

    parts.chassis = Broken()
    with Served(parts) as served:
        console = Console(ask("127.0.0.1", served.port)).login()
        assert console.run(0x00, 0x01) == b"\xff"
        assert console.run(0x06, 0x01)[0] == 0
        assert served.counters().failures == 1
    assert "on purpose" in caplog.text


def test_counters(served: Served) -> None:
    exchange = ask("127.0.0.1", served.port)
    exchange(PING)
    console = Console(exchange).login()
    console.run(0x06, 0x01)
    assert ask("127.0.0.1", served.port, 0.1)(b"junk") is None
    until(lambda: served.counters().malformed == 1, within_s=PATIENCE_S)
    counters = served.counters()
    assert (counters.logins, counters.failed_logins, counters.sessions) == (1, 0, 1)
    assert (counters.datagrams, counters.commands, counters.malformed) == (6, 1, 1)


def test_idle_sessions_end_by_themselves(parts: MemoryBoard) -> None:
    with Served(parts, ServerConfig(idle_timeout_s=0.2)) as served:
        Console(ask("127.0.0.1", served.port)).login()
        assert served.counters().logins == 1
        until(lambda: served.counters().sessions == 0, within_s=PATIENCE_S)


def test_two_hundred_sessions(served: Served) -> None:
    exchange = ask("127.0.0.1", served.port)
    consoles = [Console(exchange).login() for _ in range(200)]
    assert served.counters().sessions == 200
    assert all(console.run(0x00, 0x01)[0] == 0 for console in consoles)


def test_a_flood_of_logins_from_many_ports_leaves_the_administrator_a_way_in(clients: Clients, served: Served) -> None:
    stop = threading.Event()

    def flood() -> None:
        socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(64)]
        for sock in socks:
            sock.connect(("127.0.0.1", served.port))
        while not stop.is_set():
            for sock in socks:
                sock.send(plus(0x10, open_session(17, console=os.urandom(3) + b"\x01")))
                time.sleep(0)
        for sock in socks:
            sock.close()

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        time.sleep(0.3)
        results = [clients.ipmitool("-C", "17", "chassis", "power", "status") for _ in range(3)]
    finally:
        stop.set()
        thread.join()
    assert [result.returncode for result in results] == [0, 0, 0], [result.stderr for result in results]
    assert served.counters().evicted > 100


@pytest.mark.parametrize("tool", ["rmcpping", "rmcp-ping", "ipmiping", "ipmi-ping"])
def test_ping_tools(tool: str) -> None:
    """They know only port 623, so this needs the right to bind it on an address of its own."""
    program = find(tool)

    async def scene() -> subprocess.CompletedProcess[str]:
        server = IpmiServer(MemoryBoard().board())
        try:
            await server.listen("127.0.0.23", 623)
        except OSError as error:
            pytest.skip(f"port 623: {error.strerror}")
        result = await asyncio.get_running_loop().run_in_executor(
            None,
            lambda: subprocess.run(
                [program, "-c", "1", "127.0.0.23"], capture_output=True, text=True, timeout=20, check=False
            ),
        )
        await server.close()
        return result

    result = asyncio.run(scene())
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0.0% packet loss" in result.stdout


def test_capabilities_on_the_wire(served: Served) -> None:
    answer = ask("127.0.0.1", served.port)(classic(message(0x06, 0x38, b"\x8e\x04")))
    assert answer is not None
    assert answer[:5] == bytes.fromhex("0600ff0700")
