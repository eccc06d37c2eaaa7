# SPDX-License-Identifier: Apache-2.0
"""The watchdog is fed only while the event loop and the engine's thread turn."""

from __future__ import annotations

import asyncio
import os

import pytest

from agent.service.heartbeat import EngineCheck, Heartbeat, beat_s
from agent.service.notifier import Notifier
from native import EngineConfig, LineEngine, ThreadConfig


class Told(Notifier):
    """Counts what is told."""

    def __init__(self) -> None:
        super().__init__("/manager")
        self.beats = 0
        self.texts: list[str] = []

    def alive(self) -> None:
        self.beats += 1

    def status(self, text: str) -> None:
        self.texts.append(text)


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 5.0),
        ({"WATCHDOG_USEC": "8000000"}, 2.0),
        ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": str(os.getpid())}, 2.0),
        ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "1"}, 5.0),
        ({"WATCHDOG_USEC": "600000000"}, 5.0),
        ({"WATCHDOG_USEC": "soon"}, 5.0),
        ({"WATCHDOG_USEC": "0"}, 0.01),
    ],
)
def test_how_often(environment: dict[str, str], seconds: float) -> None:
    assert beat_s(environment) == seconds


def test_a_thread_that_does_not_turn_is_dead() -> None:
    check = EngineCheck()
    assert [check.lives(turns) for turns in (4, 5, 5, 5, 6, 0)] == [True, True, False, False, True, True]


def test_beats_while_a_real_engine_turns_and_no_longer() -> None:
    async def play() -> tuple[int, int]:
        told = Told()
        engine = LineEngine(EngineConfig(), ThreadConfig(fifo_priority=None, lock_memory=False))
        engine.start()
        heart = Heartbeat(told, 0.02, engine.nudge, lambda: "on")
        heart.start()
        while told.beats < 5:
            await asyncio.sleep(0.01)
        engine.close()
        await asyncio.sleep(0.1)
        at_close = told.beats
        while len(told.texts) < told.beats + 5:
            await asyncio.sleep(0.01)
        heart.stop()
        return told.beats, at_close

    beats, at_close = asyncio.run(play())
    assert beats == at_close


def test_without_a_manager_nothing_runs() -> None:
    async def play() -> int:
        before = len(asyncio.all_tasks())
        Heartbeat(Notifier(), 0.01, lambda: 0, str).start()
        return len(asyncio.all_tasks()) - before

    assert asyncio.run(play()) == 0
