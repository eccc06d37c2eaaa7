# SPDX-License-Identifier: Apache-2.0
"""A host that sleeps (its power LED blinks) is woken and forced off through the line engine, never by mistake."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.power.host import Host
from agent.power.lines import POWER_GOOD, RESULTS, EngineHostLines
from agent.power.request import Action, HostState, Request, Verdict
from agent.power.timing import HostTiming
from agent.profile.schema import HostTable
from native import (
    CommandDone,
    EngineConfig,
    InputChanged,
    InputLine,
    InputSource,
    LineClass,
    LineEngine,
    MemoryChip,
    OutputLine,
    Steady,
    ThreadConfig,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

HALF_PERIOD_S = 0.11
TIMING = HostTiming(power_press_ms=100, force_off_ms=8000, power_on_timeout_ms=5000)
PATIENCE_S = 10.0


@dataclass
class Board:
    chip: MemoryChip
    engine: LineEngine
    host: Host
    blinking: asyncio.Task[None] | None = None

    async def falls_asleep(self) -> None:
        self.blinking = asyncio.create_task(self._blink())
        await self.reaches(HostState.SLEEPING)

    async def _blink(self) -> None:
        while True:
            for lit in (False, True):
                self.chip.drive("led", lit)
                await asyncio.sleep(HALF_PERIOD_S)

    def becomes(self, lit: bool) -> None:
        """The LED is steady from now on."""
        if self.blinking:
            self.blinking.cancel()
        self.chip.drive("led", lit)

    async def reaches(self, state: HostState) -> None:
        await self.until(lambda: self.host.view().state is state)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)

    def hear(self) -> None:
        for event in self.engine.events():
            if isinstance(event, InputChanged) and event.steady is not Steady.UNKNOWN:
                self.host.power_good_settled(POWER_GOOD[event.steady])
            elif isinstance(event, CommandDone):
                self.host.press_ended(event.token, RESULTS[event.outcome], event.reason)


def on_a_board(story: Callable[[Board], Coroutine[None, None, None]]) -> None:
    """Plays a story with a host whose LED is lit at first."""

    async def play() -> None:
        chip = MemoryChip(["button", "led"])
        chip.drive("led", True)
        config = EngineConfig(
            outputs=(OutputLine("button", chip.line("button"), LineClass.MOMENTARY, max_press_ms=8000),),
            inputs=(InputLine("led", chip.line("led"), 10, 10, source=InputSource.LED, blink_max_ms=400),),
        )
        table = HostTable(name="0", power_good="led", power_button="button")
        with chip, LineEngine(config, ThreadConfig(fifo_priority=None, lock_memory=False)) as engine:
            lines = EngineHostLines(table, engine, armed=True)
            host = Host("0", TIMING, lines, emit=lambda *_: None, changed=lambda _: None)
            board = Board(chip, engine, host)
            asyncio.get_running_loop().add_reader(engine.fileno(), board.hear)
            await board.reaches(HostState.ON)
            await story(board)
            asyncio.get_running_loop().remove_reader(engine.fileno())
            host.close()
            if board.blinking:
                board.blinking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await board.blinking

    asyncio.run(play())


def test_on_wakes_a_sleeping_host() -> None:
    async def story(board: Board) -> None:
        await board.falls_asleep()
        reply, outcome = board.host.ask(Request(Action.ON, "test"))
        assert reply.verdict is Verdict.ACCEPTED
        assert outcome is not None
        await board.until(lambda: board.chip.level("button"))
        await board.until(lambda: not board.chip.level("button"))
        board.becomes(lit=True)
        assert (await asyncio.wait_for(outcome, PATIENCE_S)).verdict is Verdict.DONE
        assert board.host.view().state is HostState.ON

    on_a_board(story)


def test_forced_off_of_a_sleeping_host_holds_until_it_is_dark() -> None:
    async def story(board: Board) -> None:
        await board.falls_asleep()
        reply, outcome = board.host.ask(Request(Action.FORCE_OFF, "test"))
        assert reply.verdict is Verdict.ACCEPTED
        assert outcome is not None
        await board.until(lambda: board.chip.level("button"))
        await asyncio.sleep(3 * HALF_PERIOD_S)
        assert board.chip.level("button"), "a dark half of a blink is no off"
        board.becomes(lit=False)
        assert (await asyncio.wait_for(outcome, PATIENCE_S)).verdict is Verdict.DONE
        await board.until(lambda: not board.chip.level("button"))
        assert board.host.view().state is HostState.OFF

    on_a_board(story)
