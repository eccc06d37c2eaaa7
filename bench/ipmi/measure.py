# SPDX-License-Identifier: Apache-2.0
"""The measurements of one server in one round, through ipmitool wherever a client is timed."""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.ipmi.process import cpu_ns, resident_mb
from bench.ipmi.servers import PASSWORD, USER, start
from tests.ipmi.console import Console, LoginRefused, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.ipmi.servers import Running

CALLS = 20
COMMANDS = 1000
RUNS = 7
AT_ONCE = 20
SESSIONS = 200
IDLE_S = 1.0
LIMIT_S = 60.0
SUITE = "3"
"""The strongest that all three servers speak."""


@dataclass(frozen=True)
class Sample:
    """One round of one server. None = it could not do what was measured."""

    mc_info_ms: float
    commands_per_s: float
    cpu_ms_per_command: float
    concurrent20_s: float
    concurrent20_failures: int
    sessions200_mb: float | None
    sessions_held: int
    rss_mb: float
    first_answer_s: float


def measure_round(names: Sequence[str]) -> dict[str, Sample]:
    """Start all servers fresh, measure them in turns, stop them. All find the same machine, down to single calls."""
    with contextlib.ExitStack() as stack:
        servers: dict[str, Running] = {}
        for name in names:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pgood-bench-"))
            servers[name] = start(name, Path(folder))
            stack.callback(servers[name].stop)
        time.sleep(IDLE_S)
        rss = {name: resident_mb(server.process.pid) for name, server in servers.items()}
        single = _mc_info_ms(servers)
        rates = _commands(servers)
        at_once = {name: _at_once(server) for name, server in servers.items()}
        held = {name: _sessions(server) for name, server in servers.items()}
    return {
        name: Sample(single[name], *rates[name], *at_once[name], *held[name], rss[name], server.first_answer_s)
        for name, server in servers.items()
    }


def _ipmitool(server: Running, *arguments: str) -> list[str]:
    where = ["-I", "lanplus", "-C", SUITE, "-H", "127.0.0.1", "-p", str(server.port)]
    return ["ipmitool", *where, "-U", USER, "-P", PASSWORD, *arguments]


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    if _run(command, LIMIT_S) != 0:
        raise RuntimeError(f"failed or hung: {' '.join(command[:9])} ... {command[-1]}")
    return time.perf_counter() - began


def _run(command: list[str], limit_s: float) -> int:
    """The exit status of a client, which is killed when it hangs.

    Popen.wait() with a limit looks in steps of up to 50 ms, too coarse for what is timed here; without one it waits in
    the kernel.
    """
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        killer = threading.Timer(limit_s, client.kill)
        killer.start()
        try:
            return client.wait()
        finally:
            killer.cancel()


def _mc_info_ms(servers: Mapping[str, Running]) -> dict[str, float]:
    """Median wall of one `ipmitool mc info`: process start, login, a handful of commands, logout."""
    walls: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(CALLS):
        for name, server in servers.items():
            walls[name].append(_timed(_ipmitool(server, "mc", "info")) * 1000)
    return {name: statistics.median(of_server) for name, of_server in walls.items()}


def _commands(servers: Mapping[str, Running]) -> dict[str, tuple[float, float]]:
    """Commands per second inside one session, and the server's CPU for each: the medians of a few runs in turns."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    with tempfile.TemporaryDirectory(prefix="pgood-bench-") as folder:
        few, many = Path(folder) / "few", Path(folder) / "many"
        few.write_text("raw 0x06 0x01\n")
        many.write_text("raw 0x06 0x01\n" * (COMMANDS + 1))
        idle = {name: _idle_ns_per_s(server) for name, server in servers.items()}
        for _ in range(RUNS):
            for name, server in servers.items():
                runs[name].append(_one_run(server, few, many, idle[name]))
    return {
        name: (statistics.median(rate for rate, _ in done), statistics.median(cpu for _, cpu in done))
        for name, done in runs.items()
    }


def _one_run(server: Running, few: Path, many: Path, idle: float) -> tuple[float, float]:
    """What is left when a run with one command is taken off one with many, and the server's idle load as well."""
    pid = server.process.pid
    login_before = cpu_ns(pid)
    login_s = _timed(_ipmitool(server, "exec", str(few)))
    before = cpu_ns(pid)
    whole_s = _timed(_ipmitool(server, "exec", str(many)))
    spent_ns = (cpu_ns(pid) - before - idle * whole_s) - (before - login_before - idle * login_s)
    return COMMANDS / (whole_s - login_s), max(spent_ns, 0.0) / COMMANDS / 1e6


def _idle_ns_per_s(server: Running) -> float:
    before, began = cpu_ns(server.process.pid), time.perf_counter()
    time.sleep(IDLE_S)
    return (cpu_ns(server.process.pid) - before) / (time.perf_counter() - began)


def _at_once(server: Running) -> tuple[float, int]:
    command = _ipmitool(server, "mc", "info")

    def call(_: int) -> bool:
        return _run(command, 2 * LIMIT_S) == 0

    with ThreadPoolExecutor(AT_ONCE) as pool:
        began = time.perf_counter()
        results = list(pool.map(call, range(AT_ONCE)))
        return time.perf_counter() - began, results.count(False)


def _sessions(server: Running) -> tuple[float | None, int]:
    """Memory that 200 established sessions cost, each from a port of its own; None when they cannot be had."""
    before = resident_mb(server.process.pid)
    consoles: list[tuple[Console, socket.socket]] = []
    try:
        for _ in range(SESSIONS):
            link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            link.settimeout(1.0)
            link.connect(("127.0.0.1", server.port))
            console = Console(_Asker(link), name=USER.encode(), password=PASSWORD.encode(), suite=int(SUITE))
            try:
                console.login()
            except (AssertionError, LookupError, LoginRefused, NoAnswer, OSError) as error:
                # This server has no more sessions, in whatever way it says so.
                print(f"session {len(consoles) + 1}: {error!r}", file=sys.stderr)
                link.close()
                break
            consoles.append((console, link))
        held = len(consoles)
        return (resident_mb(server.process.pid) - before if held == SESSIONS else None), held
    finally:
        for _, link in consoles:
            link.close()


class _Asker:
    """Sends a datagram and waits for the answer."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def __call__(self, datagram: bytes) -> bytes | None:
        self._link.send(datagram)
        try:
            return self._link.recv(2048)
        except TimeoutError:
            return None
