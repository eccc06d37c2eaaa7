# SPDX-License-Identifier: Apache-2.0
"""A CRPS backplane: 2 to 8 simulated supplies under the real monitor and cold redundancy, in virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from agent.profile.schema import Profile
from agent.psu.monitor import SupplyMonitor
from agent.psu.redundancy import ColdRedundancy
from agent.sim.plant import Plant
from agent.sim.smbus import SimulatedSmbus
from tests.agent.psu.virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from agent.events.event import EventKind
    from agent.hardware.smbus import SmbusPort
    from agent.sim.supply import CrpsSupply

T = TypeVar("T")

RATED_W = 550.0
SETTLE_S = 1.0


class MemorySettings:
    """Implements what is used of agent.store.settings.Settings, and counts the writes."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values = dict(values or {})
        self.writes = 0

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    async def put(self, values: Mapping[str, Any]) -> None:
        changed = {key: value for key, value in values.items() if self.values.get(key, self) != value}
        if changed:
            self.writes += 1
            await asyncio.sleep(0)
            self.values.update(msgspec.json.decode(msgspec.json.encode(changed)))


class InlineBus:
    """Implements agent.hardware.i2c_bus.I2cBus.call without a thread."""

    def __init__(self, port: SmbusPort) -> None:
        self._port = port

    async def call(self, work: Callable[[SmbusPort], T], deadline_s: float = 0.0) -> T:
        await asyncio.sleep(0.002)
        return work(self._port)


def profile(slots: int, **redundancy: object) -> Profile:
    """A board with so many supplies of 550 W, and an inventory memory beside each."""
    return msgspec.convert(
        {
            "schema": 1,
            "name": "backplane",
            "board": {"simulated": True},
            "lines": {"pg": {"direction": "input"}},
            "hosts": [{"name": "0", "power_good": "pg"}],
            "buses": {"main": {}},
            "supplies": [
                {
                    "name": str(number),
                    "bus": "main",
                    "address": 0x57 + number,
                    "eeprom": 0x4F + number,
                    "rated_w": 500,
                    "cold_redundancy": True,
                    "mfr_id": "PGOOD",
                    "mfr_model": "CRPS",
                    "gap_us": 0,
                }
                for number in range(1, slots + 1)
            ],
            "redundancy": {"enabled": True, "settle_ms": int(SETTLE_S * 1000), **redundancy},
        },
        Profile,
    )


class Backplane:
    """Make it, let time pass with `run`, look at what was told."""

    def __init__(self, slots: int = 2, store: MemorySettings | None = None, **redundancy: object) -> None:
        self.loop = VirtualLoop()
        self.profile = profile(slots, **redundancy)
        self.plant = Plant(self.profile, self.loop.time_ns())
        for supply in self.plant.supplies.values():
            supply.rated_w = RATED_W  # the supply's word, not the profile's
        self.store = store or MemorySettings()
        self.told: list[tuple[EventKind, str, tuple[str, ...]]] = []
        self.run_async(self._start())

    async def _start(self) -> None:
        buses: Any = {"main": InlineBus(SimulatedSmbus(self.plant, "main", self.loop.time_ns))}
        self.monitor = SupplyMonitor(self.profile.supplies, buses, self._emit, self._changed, clock=self.loop.time)
        store: Any = self.store
        self.redundancy = ColdRedundancy(
            self.profile.redundancy, self.monitor, buses, store, self._emit, lambda: None, clock=self.loop.time
        )
        self.monitor.start()
        self.redundancy.start()

    def _emit(self, kind: EventKind, source: str, *args: str) -> None:
        self.told.append((kind, source, args))

    def _changed(self) -> None:
        self.redundancy.supplies_changed()

    def run_async(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.run_async(asyncio.sleep(seconds))
        self.plant.advance(self.loop.time_ns())

    def power_on(self, watts: float) -> None:
        """The host runs and draws so much."""
        self.plant.power_button("0", True, self.loop.time_ns())
        self.run(0.2)
        self.plant.power_button("0", False, self.loop.time_ns())
        self.run(1.0)
        assert self.plant.power_good("0")
        self.plant.load(watts, self.loop.time_ns())
        self.redundancy.host_powered_on()

    def happen(self, slot: int, happening: str) -> None:
        self.plant.supply(str(slot), happening, self.loop.time_ns())

    def load(self, watts: float) -> None:
        self.plant.load(watts, self.loop.time_ns())

    def bus(self, happening: str, rate: float = 0.0) -> None:
        self.plant.bus("main", happening, rate)

    @property
    def supplies(self) -> list[CrpsSupply]:
        return list(self.plant.supplies.values())

    @property
    def roles(self) -> tuple[int, ...]:
        return tuple(supply.role for supply in self.supplies)

    @property
    def ranks(self) -> tuple[int, ...]:
        return self.redundancy.view().ranks

    def kinds(self, *besides: str) -> list[str]:
        """What was told since the last call, without rank changes."""
        told, self.told = self.told, []
        return [kind.value for kind, _, _ in told if kind.value not in ("redundancy.ranked", *besides)]

    def close(self) -> None:
        self.run_async(self._close())
        self.loop.close()

    async def _close(self) -> None:
        await self.redundancy.close()
        await self.monitor.close()
