# SPDX-License-Identifier: Apache-2.0
"""Adapter `gpio` on memory lines with the simulated host behind them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.gpio import KIND, GpioOptions, host_options
from agent.hardware.adapters.interface import Ability, Level, Precondition, PreconditionFailed, Sense
from native import Steady
from tests.agent.hardware.adapters.worlds import LineWorld, bad, play, until

if TYPE_CHECKING:
    from pathlib import Path


def test_conforms(tmp_path: Path) -> None:
    async def story() -> None:
        with LineWorld(tmp_path).running() as world:
            options = host_options(world.profile.hosts[0])
            findings = await check_adapter(
                "adapters.panel",
                lambda: KIND.make(options, world.around("adapters.panel")),
                world,
                timeout_s=options.timeout_s,
            )
            assert not bad(findings)
            assert {f"{a.value}: is done" for a in Ability if a is not Ability.SENSE} <= {f.name for f in findings}

    play(story)


def test_the_engine_looks_again_in_the_instant_of_the_press(tmp_path: Path) -> None:
    """What the loop knows may be old: here it is told that nothing changed, and the engine knows better."""

    async def story() -> None:
        with LineWorld(tmp_path).running() as world:
            adapter = KIND.make(host_options(world.profile.hosts[0]), world.around("adapters.panel"))
            heard: list[Sense] = []
            await adapter.start(heard.append)
            await until(lambda: heard and heard[-1].level is Level.OFF)
            with pytest.raises(PreconditionFailed, match=r"adapters\.panel"):
                await adapter.act(Ability.OFF, Precondition(Level.ON))
            assert await world.commands() == 0

    play(story)


def test_a_press_that_nobody_waits_for_any_more_is_let_go(tmp_path: Path) -> None:
    async def story() -> None:
        with LineWorld(tmp_path).running() as world:
            options = GpioOptions(power_good="power-good", power_button="power-button", force_off_ms=6000)
            adapter = KIND.make(options, world.around("adapters.panel"))
            world.world.happen(["host", "0", "normal"])
            await world.become(Level.ON)
            await until(lambda: world.lines.engine.input("power-good").steady is Steady.ACTIVE)
            holding = asyncio.create_task(adapter.act(Ability.OFF, Precondition(Level.ON)))
            await until(lambda: world.chip.level("power-button"))
            holding.cancel()
            await until(lambda: not world.chip.level("power-button"))
            assert await world.level() is Level.ON, "it was let go before the host gave in"

    play(story)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (GpioOptions(reset_button="reset-button"), {Ability.RESET}),
        (GpioOptions(power_button="power-button"), set()),  # nobody would see what a press does
        (GpioOptions(power_good="power-good"), {Ability.SENSE}),
    ],
)
def test_abilities_follow_the_lines(options: GpioOptions, expected: set[Ability]) -> None:
    assert KIND.abilities(options) == expected
