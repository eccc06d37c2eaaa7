# SPDX-License-Identifier: Apache-2.0
"""Adapter `line` on memory lines: a relay, and an input that shows what it feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, PreconditionFailed, Sense
from agent.hardware.adapters.line import KIND, LineOptions
from tests.agent.hardware.adapters.worlds import LineWorld, bad, play, until

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = LineOptions(switch="rail", power_good="power-good")


class RelayWorld(LineWorld):
    """Power-good follows the rail, as long as the fuse is whole; the host of the profile is not there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fuse = True
        self._others: bool | None = None
        self.plant.power_good_line = lambda host, now_ns: self._on()  # type: ignore[method-assign]

    def _on(self) -> bool:
        return self.fuse and (self.chip.level("rail") if self._others is None else self._others)

    def _events(self) -> None:
        before = self._driven
        super()._events()
        if self._driven != before:
            self._others = None

    async def become(self, level: Level) -> None:
        """Somebody else feeds it, or pulls its plug."""
        self._others = level is Level.ON
        self.world.advance()

    async def level(self) -> Level:
        self.world.advance()
        return Level.ON if self._on() else Level.OFF


def test_conforms(tmp_path: Path) -> None:
    async def story() -> None:
        with RelayWorld(tmp_path).running() as world:
            around = world.around("adapters.relay")
            findings = await check_adapter(around.place, lambda: KIND.make(OPTIONS, around), world)
            assert not bad(findings)

    play(story)


def test_the_level_stays_when_the_adapter_is_closed(tmp_path: Path) -> None:
    async def story() -> None:
        with RelayWorld(tmp_path).running() as world:
            relay = KIND.make(OPTIONS, world.around("adapters.relay"))
            heard: list[Sense] = []
            await relay.start(heard.append)
            await until(lambda: heard and heard[-1].level is Level.OFF)
            await relay.act(Ability.ON, Precondition(Level.OFF))
            await relay.close()
            assert world.chip.level("rail")

    play(story)


def test_the_engine_looks_again_in_the_instant_of_the_edge(tmp_path: Path) -> None:
    async def story() -> None:
        with RelayWorld(tmp_path).running() as world:
            relay = KIND.make(OPTIONS, world.around("adapters.relay"))
            heard: list[Sense] = []
            await relay.start(heard.append)
            await until(lambda: heard and heard[-1].level is Level.OFF)
            with pytest.raises(PreconditionFailed):
                await relay.act(Ability.OFF, Precondition(Level.ON))
            assert await world.commands() == 0

    play(story)


def test_without_an_input_there_is_no_sense(tmp_path: Path) -> None:
    async def story() -> None:
        with RelayWorld(tmp_path).running() as world:
            relay = KIND.make(LineOptions(switch="rail"), world.around("adapters.relay"))
            assert relay.abilities == {Ability.ON, Ability.OFF}
            assert not relay.reports
            await relay.act(Ability.ON, Precondition(Level.OFF, own=False))
            assert world.chip.level("rail")
            with pytest.raises(AdapterError, match=r"adapters\.relay: cannot do 'reset'"):
                await relay.act(Ability.RESET, Precondition(Level.ON, own=False))

    play(story)
