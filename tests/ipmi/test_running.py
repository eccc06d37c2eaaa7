# SPDX-License-Identifier: Apache-2.0
"""Deadlines, limits and repetitions of slow commands; each test makes its handlers wait on events, not on time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.completion import Completion
from ipmi.config import ServerConfig
from ipmi.counters import Tally
from ipmi.dispatch import Answer, Command
from ipmi.message import NetFn
from ipmi.request import Caller, Request
from ipmi.running import SlowCommands

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest


class Stage:
    """Slow commands with one handler that waits until it is let go."""

    def __init__(self, **settings: float) -> None:
        self.now = 0.0
        self.tally = Tally()
        self.slow = SlowCommands(ServerConfig(**settings), self.tally, lambda: self.now)  # type: ignore[arg-type]
        self.go = asyncio.Event()
        self.runs = 0
        self.refusal: Completion | None = None
        self.answers: list[bytes] = []

    async def handler(self, request: Request) -> Answer:
        self.runs += 1
        run = self.runs
        await self.go.wait()
        return self.refusal or bytes([run])

    def start(self, data: bytes = b"", session: int = 1, *, once: bool = True, sequence: int = 1) -> None:
        command = Command(NetFn.OEM_ONE, 0x01, "slow", Privilege.USER, self.handler, once=once)
        caller = Caller(session, 2, b"user", Privilege.USER, Privilege.USER, "192.0.2.1")
        self.slow.start(command, Request(0x30, 0x01, data, caller), self.answers.append, sequence)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def play(scene: Callable[[Stage], Awaitable[None]], **settings: float) -> Stage:
    async def run() -> Stage:
        stage = Stage(**settings)
        await scene(stage)
        await stage.slow.close()
        return stage

    return asyncio.run(run())


def test_repetitions_join_the_run_that_is_under_way() -> None:
    async def scene(stage: Stage) -> None:
        stage.start()
        await stage.settle()
        stage.now = 100.0
        stage.start()
        await stage.settle()
        assert stage.answers == []
        stage.go.set()
        await stage.settle()

    stage = play(scene)
    assert stage.answers == [b"\0\x01"] * 2
    assert (stage.runs, stage.tally.repeated) == (1, 1)


def test_what_is_not_guarded_runs_each_time() -> None:
    async def scene(stage: Stage) -> None:
        stage.go.set()
        stage.start(once=False)
        stage.start(once=False)
        await stage.settle()

    assert play(scene).answers == [b"\0\x01", b"\0\x02"]


def test_other_data_and_other_sessions_are_no_repetition() -> None:
    async def scene(stage: Stage) -> None:
        stage.go.set()
        stage.start(b"a")
        stage.start(b"b")
        stage.start(b"a", session=2)
        await stage.settle()

    assert play(scene).runs == 3


def test_runs_are_forgotten_after_the_window() -> None:
    async def scene(stage: Stage) -> None:
        stage.go.set()
        for number in range(100):
            stage.now = number * 1.0
            stage.start(bytes([number]))
            await stage.settle()
        assert len(stage.slow._remembered) <= 22

    assert play(scene).runs == 100


def test_a_missed_deadline_is_told_and_the_handler_goes_on() -> None:
    async def scene(stage: Stage) -> None:
        stage.start()
        while not stage.answers:
            await asyncio.sleep(0.001)
        assert stage.answers == [b"\xc3"]
        stage.start()
        assert stage.answers == [b"\xc3", b"\xc3"], "a retry must neither run nor wait"
        stage.go.set()
        await stage.settle()
        stage.start()
        assert stage.answers[-1] == b"\0\x01"

    stage = play(scene, deadline_s=0.01)
    assert (stage.runs, stage.tally.late) == (1, 1)


def test_more_than_the_limit_is_busy() -> None:
    async def scene(stage: Stage) -> None:
        for number in range(4):
            stage.start(bytes([number]))
        await stage.settle()
        assert stage.answers == [b"\xc0"]
        stage.go.set()
        await stage.settle()
        stage.start(b"\x03")
        await stage.settle()

    stage = play(scene, max_running=3)
    assert stage.runs == 4, "a refusal for lack of room is not remembered: nothing ran"


def test_a_handler_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(stage: Stage) -> None:
        async def fail(request: Request) -> Answer:
            raise RuntimeError("on purpose")

        command = Command(NetFn.OEM_ONE, 0x02, "fail", Privilege.USER, fail)
        caller = Caller(1, 2, b"user", Privilege.USER, Privilege.USER, "192.0.2.1")
        stage.slow.start(command, Request(0x30, 0x02, b"", caller), stage.answers.append)
        await stage.settle()

    stage = play(scene)
    assert stage.answers == [b"\xff"]
    assert stage.tally.failures == 1
    assert "on purpose" in caplog.text


def test_close_cancels_what_runs() -> None:
    async def scene(stage: Stage) -> None:
        stage.start()
        await stage.settle()

    assert play(scene).answers == [b"\xff"]


async def run_words(stage: Stage, words: list[tuple[bytes, int]]) -> None:
    """Each word is data and the session sequence number of its packet."""
    stage.go.set()
    for data, sequence in words:
        stage.start(data, sequence=sequence)
        await stage.settle()


def test_on_off_on_in_one_session_are_three_actions() -> None:
    async def scene(stage: Stage) -> None:
        await run_words(stage, [(b"on", 5), (b"off", 6), (b"on", 7), (b"off", 8)])

    assert play(scene).answers == [b"\0\x01", b"\0\x02", b"\0\x03", b"\0\x04"]


def test_a_retry_that_comes_late_is_still_a_retry() -> None:
    """`on` is sent as 5 and again as 6; 6 is overtaken by `off`, sent as 7."""

    async def scene(stage: Stage) -> None:
        await run_words(stage, [(b"on", 5), (b"off", 7), (b"on", 6), (b"off", 8)])

    assert play(scene).answers == [b"\0\x01", b"\0\x02", b"\0\x01", b"\0\x02"]


def test_a_retry_of_the_newest_is_a_retry_over_the_wrap_of_the_numbers() -> None:
    async def scene(stage: Stage) -> None:
        await run_words(stage, [(b"on", 0xFFFFFFFE), (b"off", 0xFFFFFFFF), (b"on", 1), (b"on", 2)])

    assert play(scene).answers == [b"\0\x01", b"\0\x02", b"\0\x03", b"\0\x03"]


def test_an_action_that_was_refused_in_between_changes_nothing() -> None:
    async def scene(stage: Stage) -> None:
        await run_words(stage, [(b"on", 5)])
        stage.refusal = Completion.NODE_BUSY
        await run_words(stage, [(b"off", 6)])
        stage.refusal = None
        await run_words(stage, [(b"on", 7)])

    assert play(scene).answers == [b"\0\x01", b"\xc0", b"\0\x01"]


def test_a_refusal_is_remembered_for_a_retry_and_no_longer() -> None:
    async def scene(stage: Stage) -> None:
        stage.refusal = Completion.NODE_BUSY
        await run_words(stage, [(b"on", 5)])
        stage.refusal = None
        stage.now = 1.9
        await run_words(stage, [(b"on", 6)])
        stage.now = 2.1
        await run_words(stage, [(b"on", 7)])

    stage = play(scene)
    assert stage.answers == [b"\xc0", b"\xc0", b"\0\x02"]
