# SPDX-License-Identifier: Apache-2.0
"""What supervision makes of adapters that misbehave."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, Sense
from agent.hardware.adapters.supervised import SupervisedAdapter
from tests.agent.hardware.adapters.worlds import play, until

if TYPE_CHECKING:
    from collections.abc import Callable

WHEN = Precondition(Level.OFF)


class Obedient:
    """A machine in memory; the bad adapters below differ from it in one thing each."""

    abilities = frozenset({Ability.ON, Ability.OFF, Ability.SENSE})
    reports = True

    def __init__(self) -> None:
        self.level = Level.OFF
        self.sent = 0
        self.tell: Callable[[Sense], None] = lambda sense: None

    async def start(self, tell: Callable[[Sense], None]) -> None:
        self.tell = tell
        tell(Sense(self.level))

    async def act(self, ability: Ability, when: Precondition) -> None:
        if ability not in (Ability.ON, Ability.OFF):
            raise AdapterError("adapters.x: cannot")
        when.confirm(self.level)
        self.sent += 1
        await self.become(Level.ON if ability is Ability.ON else Level.OFF)

    async def close(self) -> None:
        self.tell = lambda sense: None

    async def become(self, level: Level) -> None:
        if level is not self.level:
            self.level = level
            self.tell(Sense(level))


class Deaf(Obedient):
    """Hangs, and takes no cancellation."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()

    async def act(self, ability: Ability, when: Precondition) -> None:
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                continue


class Faulty(Obedient):
    async def act(self, ability: Ability, when: Precondition) -> None:
        raise ZeroDivisionError("oops")


class LateStart(Obedient):
    tries = 0

    async def start(self, tell: Callable[[Sense], None]) -> None:
        self.tries += 1
        if self.tries < 2:
            raise AdapterError("adapters.x: nobody there yet")
        await super().start(tell)


def test_one_that_cannot_be_cancelled_holds_up_nobody() -> None:
    async def story() -> None:
        deaf = Deaf()
        one = SupervisedAdapter("adapters.x", deaf, 0.1)
        async with asyncio.timeout(30):  # the adapter itself would take for ever
            with pytest.raises(AdapterError, match=r"adapters\.x: on did not end within .* not known"):
                await one.act(Ability.ON, WHEN)
            with pytest.raises(AdapterError, match="still stuck in an earlier command"):
                await one.act(Ability.ON, WHEN)
        await one.close()
        deaf.let_go.set()
        await asyncio.sleep(0.05)

    play(story)


def test_a_fault_of_the_adapter_is_an_error_that_names_it() -> None:
    async def story() -> None:
        with pytest.raises(AdapterError, match=r"adapters\.x: a fault of the adapter: ZeroDivisionError: oops"):
            await SupervisedAdapter("adapters.x", Faulty(), 1).act(Ability.ON, WHEN)

    play(story)


def test_a_start_that_fails_is_tried_again_and_the_sense_is_unknown_until_then() -> None:
    async def story() -> None:
        one = SupervisedAdapter("adapters.x", LateStart(), 1)
        heard: list[Sense] = []
        one.watch(heard.append)
        one.start()
        await until(lambda: one.sense.level is Level.OFF)
        assert heard[0] == Sense(Level.UNKNOWN, "adapters.x: nobody there yet")
        await one.close()

    play(story)


def test_who_listens_cannot_end_the_adapter() -> None:
    async def story() -> None:
        one = SupervisedAdapter("adapters.x", Obedient(), 1)
        heard: list[Sense] = []

        def bad(sense: Sense) -> None:
            raise ZeroDivisionError

        one.watch(bad)
        one.watch(heard.append)
        one.start()
        await until(lambda: heard == [Sense(Level.OFF)])
        await one.close()

    play(story)


def test_the_time_of_a_level_is_not_moved_by_a_new_reason() -> None:
    async def story() -> None:
        adapter = Obedient()
        one = SupervisedAdapter("adapters.x", adapter, 1)
        one.start()
        await until(lambda: one.sense.level is Level.OFF)
        adapter.tell(Sense(Level.UNKNOWN, "a"))
        since_ns = one.since_ns
        adapter.tell(Sense(Level.UNKNOWN, "b"))
        assert (one.since_ns, one.sense.reason) == (since_ns, "b")
        await one.close()

    play(story)


# ---------------------------------------------------------------------- the conformance test finds what it is for


class MemoryWorld:
    def __init__(self, adapter: Obedient) -> None:
        self.adapter = adapter

    async def become(self, level: Level) -> None:
        await self.adapter.become(level)

    async def level(self) -> Level:
        return self.adapter.level

    async def commands(self) -> int:
        return self.adapter.sent

    async def cut(self) -> bool:
        return False

    async def mend(self) -> None:
        """Nothing was cut."""


class Blocking(Obedient):
    async def act(self, ability: Ability, when: Precondition) -> None:
        time.sleep(0.4)  # noqa: ASYNC251  (the very thing that must be found)
        await super().act(ability, when)


class Rash(Obedient):
    """Looks at nothing."""

    async def act(self, ability: Ability, when: Precondition) -> None:
        self.sent += 1
        await self.become(Level.ON if ability is Ability.ON else Level.OFF)


class Silent(Obedient):
    """Its sense does not follow."""

    async def become(self, level: Level) -> None:
        self.level = level


class Meddling(Obedient):
    """Switches the machine when it is closed."""

    async def close(self) -> None:
        await super().close()
        self.sent += 1
        self.level = Level.ON if self.level is Level.OFF else Level.OFF


class Leaking(Obedient):
    async def start(self, tell: Callable[[Sense], None]) -> None:
        await super().start(tell)
        self.task = asyncio.create_task(asyncio.sleep(2), name="left-over")


@pytest.mark.parametrize(
    ("kind", "finding"),
    [
        (Obedient, None),
        (Blocking, "never blocks the loop"),
        (Rash, "on: nothing is sent on another level"),
        (Rash, "off: nothing is sent when the state has changed"),
        (Silent, "follows the machine"),
        (Meddling, "close moves nothing"),
        (Leaking, "leaves no tasks behind"),
        (Deaf, "on: is done"),
    ],
)
def test_conformance_finds_the_fault(kind: type[Obedient], finding: str | None) -> None:
    async def story() -> None:
        adapter = kind()
        deaf = asyncio.get_running_loop().call_later(1.0, adapter.let_go.set) if isinstance(adapter, Deaf) else None
        findings = await check_adapter(
            "adapters.x", lambda: adapter, MemoryWorld(adapter), timeout_s=0.1, patience_s=0.2
        )
        bad = [one.name for one in findings if not one.good]
        assert bad == [] if finding is None else finding in bad
        if deaf:
            deaf.cancel()

    play(story)
