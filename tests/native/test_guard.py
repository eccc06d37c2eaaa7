# SPDX-License-Identifier: Apache-2.0
"""The guard as an agent uses it. What it writes to lines is shown on a real kernel in tests/hardware."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from native import GuardAliveError, GuardedLine, GuardError, LineGuard
from tests.native.rig import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def rendezvous(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "guard"
    yield path
    # Whatever a test leaves behind is taken over, so that no process stays.
    if path.exists():
        for fd in LineGuard.take_over(path).values():
            os.close(fd)


@pytest.fixture
def line() -> Iterator[int]:
    fd = os.open("/dev/null", os.O_RDWR)
    yield fd
    os.close(fd)


def test_life(rendezvous: Path, line: int) -> None:
    assert LineGuard.take_over(rendezvous) == {}
    guard = LineGuard.start([GuardedLine("chip0:3", line)], rendezvous)
    assert guard.is_alive()
    assert stat.S_IMODE(rendezvous.stat().st_mode) == 0o600
    with pytest.raises(GuardAliveError, match="another agent owns the board"):
        LineGuard.take_over(rendezvous)
    with pytest.raises(GuardAliveError):
        LineGuard.start([], rendezvous)
    guard.dismiss()
    assert not guard.is_alive()
    assert not rendezvous.exists()
    guard.dismiss()


def test_lines_survive_the_agent(rendezvous: Path) -> None:
    reader, writer = os.pipe()
    guard = LineGuard.start([GuardedLine("chip0:3", writer), GuardedLine("chip1:7", writer)], rendezvous)
    os.close(writer)
    guard.abandon()
    taken = LineGuard.take_over(rendezvous)
    assert set(taken) == {"chip0:3", "chip1:7"}
    os.write(taken["chip1:7"], b"x")
    assert os.read(reader, 1) == b"x"
    assert not rendezvous.exists()
    for fd in taken.values():
        assert not os.get_inheritable(fd)
        os.close(fd)
    # The old guard is gone: nobody holds the writing end any more.
    assert select.select([reader], [], [], PATIENCE_S)[0]
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_descriptor_tells_that_the_guard_died(rendezvous: Path, line: int) -> None:
    guard = LineGuard.start([GuardedLine("a", line)], rendezvous)
    assert not select.select([guard.fileno()], [], [], 0)[0]
    os.kill(guard.pid, signal.SIGKILL)
    assert select.select([guard.fileno()], [], [], PATIENCE_S)[0]
    assert not guard.is_alive()
    guard.abandon()
    # The path that is left behind is no obstacle.
    LineGuard.start([GuardedLine("a", line)], rendezvous).dismiss()


def test_signals_do_not_end_it(rendezvous: Path, line: int) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        guard = LineGuard.start([GuardedLine("a", line)], rendezvous)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(guard.pid, number)
        time.sleep(0.05)
        assert guard.is_alive()
        assert seen == []
        guard.dismiss()
    finally:
        signal.signal(signal.SIGTERM, before)


def children() -> set[int]:
    """Processes of ours, ended ones too; another test of this process may have left some."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(place.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(place.parent.name))
    return found


def test_holds_nothing_of_the_agent_and_leaves_no_zombie(rendezvous: Path, line: int) -> None:
    before = children()
    reader, writer = os.pipe()
    guard = LineGuard.start([GuardedLine("a", line)], rendezvous)
    os.close(writer)
    assert select.select([reader], [], [], PATIENCE_S)[0]
    assert os.read(reader, 1) == b""
    os.close(reader)
    pid = guard.pid
    assert os.getsid(pid) != os.getsid(0)
    guard.dismiss()
    assert children() <= before


def test_agent_killed(rendezvous: Path) -> None:
    program = (
        "import os, pathlib, sys, time; from native import *;"
        "LineGuard.start([GuardedLine('k:1', 0)], pathlib.Path(sys.argv[1])); "
        "print('ready', flush=True); time.sleep(60)"
    )
    # Not communicate(): the pipe must be seen open only by the agent.
    agent = subprocess.Popen([sys.executable, "-c", program, str(rendezvous)], stdout=subprocess.PIPE)
    assert agent.stdout is not None
    assert agent.stdout.readline() == b"ready\n"
    with pytest.raises(GuardAliveError):
        LineGuard.take_over(rendezvous)
    agent.kill()
    agent.wait()
    assert agent.stdout.read() == b""
    agent.stdout.close()
    (fd,) = LineGuard.take_over(rendezvous).values()
    os.close(fd)


def test_bad_input(rendezvous: Path, line: int, tmp_path: Path) -> None:
    with pytest.raises(GuardError, match="key"):
        LineGuard.start([GuardedLine("", line)], rendezvous)
    with pytest.raises(GuardError, match="key"):
        LineGuard.start([GuardedLine("x" * 200, line)], rendezvous)
    with pytest.raises(GuardError, match="129 lines"):
        LineGuard.start([GuardedLine("a", line)] * 129, rendezvous)
    with pytest.raises(GuardError, match="cannot be started"):
        LineGuard.start([GuardedLine("a", 12345)], rendezvous)
    assert not rendezvous.exists()
    with pytest.raises(GuardError, match="shorter"):
        LineGuard.start([GuardedLine("a", line)], tmp_path / ("x" * 200))
    with pytest.raises(GuardError, match="directory"):
        LineGuard.start([GuardedLine("a", line)], tmp_path / "missing" / "guard")
    ordinary = tmp_path / "file"
    ordinary.write_text("")
    assert LineGuard.take_over(ordinary) == {}
    with pytest.raises(GuardError, match="in use"):
        LineGuard.start([GuardedLine("a", line)], ordinary)
    assert ordinary.exists()
