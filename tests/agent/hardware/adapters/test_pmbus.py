# SPDX-License-Identifier: Apache-2.0
"""Adapter `pmbus` on the simulated bus."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, Surroundings
from agent.hardware.adapters.pmbus import KIND, PmbusOptions
from agent.hardware.i2c_bus import I2cBus
from agent.profile.load import find_profile, load_profile
from agent.sim.plant import Plant
from agent.sim.smbus import SimulatedSmbus
from tests.agent.hardware.adapters.worlds import bad, play

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.sim.supply import CrpsSupply

OPTIONS = PmbusOptions(supply="1", write_operation=True, poll_s=0.1, timeout_s=2.0)
ON = Precondition(Level.ON)


class CountingSmbus(SimulatedSmbus):
    writes: list[tuple[int, int]]

    def write_byte_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        super().write_byte_data(address, command, value, pec)
        self.writes.append((command, value))


class SupplyWorld:
    """The first supply of profile `sim`; its host is on, so that supplies deliver."""

    def __init__(self) -> None:
        self.profile = load_profile(find_profile("sim"))
        now_ns = time.monotonic_ns()
        self.plant = Plant(self.profile, now_ns)
        self.port = CountingSmbus(self.plant, "main")
        self.port.writes = []
        self.bus = I2cBus("main", self.port)
        self.plant.power_button("0", True, now_ns)
        self.plant.power_button("0", False, now_ns + 200_000_000)
        self.plant.advance(now_ns + 2_000_000_000)

    @property
    def supply(self) -> CrpsSupply:
        return self.plant.supplies["1"]

    def around(self) -> Surroundings:
        return Surroundings("adapters.psu", self.profile, buses={"main": self.bus})

    async def become(self, level: Level) -> None:
        self.supply.operation = 0x80 if level is Level.ON else 0x00

    async def level(self) -> Level:
        return Level.ON if self.supply.delivers else Level.OFF

    async def commands(self) -> int:
        return len(self.port.writes)

    async def cut(self) -> bool:
        self.supply.muted = True
        return True

    async def mend(self) -> None:
        self.supply.muted = False


@asynccontextmanager
async def supply_world() -> AsyncIterator[SupplyWorld]:
    world = SupplyWorld()
    try:
        yield world
    finally:
        world.bus.close()


def test_conforms() -> None:
    async def story() -> None:
        async with supply_world() as world:
            findings = await check_adapter("adapters.psu", lambda: KIND.make(OPTIONS, world.around()), world)
            assert not bad(findings)
            assert {command for command, _ in world.port.writes} == {0x01}, "OPERATION and nothing else"

    play(story)


def test_another_supply_than_stated_is_never_written() -> None:
    async def story() -> None:
        async with supply_world() as world:
            world.supply.mfr_model = "OTHER-900"
            with pytest.raises(AdapterError, match=r"supply '1' is .*OTHER-900.* nothing was written"):
                await KIND.make(OPTIONS, world.around()).act(Ability.OFF, ON)
            assert await world.commands() == 0

    play(story)


def test_a_write_that_is_not_kept_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with supply_world() as world:
            monkeypatch.setattr(SimulatedSmbus, "write_byte_data", lambda *args, **keys: None)
            with pytest.raises(AdapterError, match=r"did not keep 0x00 in OPERATION \(it reads 0x80\)"):
                await KIND.make(OPTIONS, world.around()).act(Ability.OFF, ON)

    play(story)


def test_a_stuck_bus_ends_in_time_and_names_the_supply() -> None:
    async def story() -> None:
        async with supply_world() as world:
            world.plant.bus("main", "stuck", 0.0)
            with pytest.raises(AdapterError, match="supply '1' at 0x58 on bus 'main': "):
                await KIND.make(OPTIONS, world.around()).act(Ability.OFF, ON)
            assert await world.commands() == 0

    play(story)


def test_the_profile_must_say_that_operation_may_be_written() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"supply": "1", "write_operation": False}, PmbusOptions)
    profile = load_profile(find_profile("sim"))
    unnamed = msgspec.structs.replace(profile.supplies[0], mfr_id="", mfr_model="", cold_redundancy=False)
    loose = msgspec.structs.replace(profile, supplies=(unnamed,))
    assert [key for key, _ in KIND.faults(OPTIONS, loose)] == ["write_operation"]
    assert [key for key, _ in KIND.faults(OPTIONS, msgspec.structs.replace(profile, supplies=()))] == ["supply"]
    assert not list(KIND.faults(OPTIONS, profile))
