# SPDX-License-Identifier: Apache-2.0
"""Descriptors handed over at the start, in a process of their own: their numbers begin at 3."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from agent.service.descriptors import take_descriptors

CHILD = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
from agent.service.descriptors import take_descriptors
taken = take_descriptors()
names, fds = zip(*taken)
print(list(names), [os.fstat(fd).st_ino for fd in fds], [os.get_inheritable(fd) for fd in fds])
print(take_descriptors(), [name for name in os.environ if name.startswith("LISTEN_")])
"""


def test_taken_once_with_names() -> None:
    reading, writing = os.pipe()
    inode = os.fstat(reading).st_ino
    begin = f"import os; os.dup2({reading}, 3); os.dup2({writing}, 4)"
    code = f"{begin}; os.execv({sys.executable!r}, ['python', '-c', {CHILD!r}])"
    environment = {**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:line.b%3A"}
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        pass_fds=(reading, writing),
        capture_output=True,
        text=True,
        timeout=30,
    )
    os.close(reading)
    os.close(writing)
    assert told.stdout.splitlines() == [f"['a', 'line.b%3A'] [{inode}, {inode}] [False, False]", "[] []"], told.stderr


@pytest.mark.parametrize(("process", "count"), [("1", "1"), ("", "1"), ("ours", "-1"), ("ours", "many"), ("x", "")])
def test_nonsense_is_no_handover(process: str, count: str) -> None:
    process = str(os.getpid()) if process == "ours" else process
    environment = {"LISTEN_PID": process, "LISTEN_FDS": count, "LISTEN_FDNAMES": "a"}
    assert take_descriptors(environment) == []
    assert environment == {}


def test_more_than_there_are(caplog: pytest.LogCaptureFixture) -> None:
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1000000", "LISTEN_FDNAMES": ""}
    before = {fd: os.get_inheritable(fd) for fd in map(int, os.listdir("/proc/self/fd")) if _is_open(fd)}
    taken = take_descriptors(environment)
    for fd, inheritable in before.items():
        if _is_open(fd):
            os.set_inheritable(fd, inheritable)
    assert len(taken) < 1000
    assert "descriptor" in caplog.text


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
