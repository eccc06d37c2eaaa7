# SPDX-License-Identifier: Apache-2.0
"""Whoever keeps the loop is found, and a machine that stands still is not taken for it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.loop_watch import LoopWatch

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
KEPT_S = 0.25
WATCHING = """
import asyncio, sys
from agent.loop_watch import LoopWatch
async def story():
    async with LoopWatch() as watch:
        print("watches", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print(watch.worst_s)
asyncio.run(story())
"""


def sleep() -> None:
    time.sleep(0.5)


def work() -> None:
    """Without a chance for any other thread."""
    until_s, before_s = time.thread_time() + 0.5, sys.getswitchinterval()
    sys.setswitchinterval(60)
    while time.thread_time() < until_s:
        pass
    sys.setswitchinterval(before_s)


@pytest.mark.parametrize("keep", [sleep, work])
def test_who_keeps_the_loop_is_found(keep: Callable[[], None]) -> None:
    async def story() -> float:
        async with LoopWatch() as watch:
            for _ in range(5):  # one of them while this machine has time for both threads
                keep()
                await asyncio.sleep(0.02)
        return watch.worst_s

    assert asyncio.run(story()) >= KEPT_S


def test_a_process_that_is_stopped_keeps_nothing() -> None:
    """By its host, or for want of a processor: no plug-in is to be blamed for that."""
    watching = subprocess.Popen(
        [sys.executable, "-c", WATCHING], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    assert watching.stdout.readline() == "watches\n"
    for _ in range(3):
        watching.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, watching.pid, os.WSTOPPED)
        time.sleep(0.5)
        watching.send_signal(signal.SIGCONT)
        time.sleep(0.1)
    told, _ = watching.communicate("\n", timeout=30)
    assert float(told) < KEPT_S
