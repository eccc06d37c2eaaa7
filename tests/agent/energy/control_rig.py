# SPDX-License-Identifier: Apache-2.0
"""A controller over a folder that stands for /sys, with a clock and a source that a test moves."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from agent.energy.actuators.held import Held
from agent.energy.actuators.powercap import Powercap
from agent.energy.battery import BatteryPhase, BatteryState
from agent.energy.cap_writer import CapWriter
from agent.energy.controller import EnergyController
from agent.energy.day_store import DayStore
from agent.energy.energy_counters import EnergyCounters
from agent.energy.feed import SignalFeed
from agent.energy.meters.interface import Quantity, Reading
from agent.energy.meters.meter_set import MeterSet
from agent.energy.meters.rapl import RaplMeter
from agent.energy.rapl import Domain
from agent.energy.restore_file import RestoreFile
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit
from agent.energy.slots import quarters
from agent.energy.surroundings import Surroundings
from agent.energy.tables import EnergyTable
from agent.hardware.port_thread import PortThread
from tests.agent.energy.sysfs_tree import FakeKernel, SysfsTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.energy.meters.interface import Meter
    from agent.energy.policies.situation import LeaseView
    from agent.events.event import EventKind

ZONE = "Europe/Paris"
NOON_S = datetime.datetime(2026, 11, 21, 12, 0, 30, tzinfo=ZoneInfo(ZONE)).timestamp()
PACKAGE = "class/powercap/intel-rapl:0"
LIMIT = f"{PACKAGE}/constraint_0_power_limit_uw"
FOUND_UW = 65_000_000
VOLUME: dict[str, Any] = {
    "min_w": 10,
    "max_w": 40,
    "zone": ZONE,
    "signals": {"volume": {"kind": "test"}},
    "policies": [{"kind": "volume", "signal": "volume"}],
}


class Source:
    """A source whose days a test gives; a day that is not there fails."""

    name = "volume"
    unit = SignalUnit.MWH
    zone = ZONE
    step_s = 900
    origin = "test"
    ahead = True

    def __init__(self, day: Callable[[int], float]) -> None:
        """`day` gives the value of a quarter by its number."""
        self.value = day
        self.down = False
        self.asked: list[datetime.date] = []

    async def fetch(self, day: datetime.date) -> SignalDay:
        self.asked.append(day)
        if self.down:
            raise SignalError("the exchange is closed", retry=True)
        slots = quarters(day, self.zone)
        points = [SignalPoint(slot.start_utc_s, 900, self.value(index)) for index, slot in enumerate(slots)]
        return SignalDay(self.name, self.unit, self.zone, "test", 0.0, tuple(points))


class Scale:
    """What the machine draws is what a test says."""

    name = "scale"
    quantity = Quantity.NODE_W

    def __init__(self, watts: float = 20.0) -> None:
        self.watts = watts

    def read(self, now_ns: int) -> Reading:
        return Reading(self.quantity, self.watts, self.name, False, now_ns)


class Store:
    """Settings in memory."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    async def put(self, values: Mapping[str, Any]) -> None:
        self.values.update(values)


class ControlRig:
    """One machine with one package; `agent` is the controller of now, which can be killed and started anew."""

    def __init__(self, folder: Path, day: Callable[[int], float] = lambda quarter: 100.0, **table: Any) -> None:
        self.folder = folder
        self.tree = SysfsTree(folder / "sys")
        self.tree.control_type()
        self.tree.package(0, FOUND_UW / 1e6)
        self.kernel = FakeKernel(self.tree.root)
        self.source = Source(day)
        self.meters: list[Meter] = [RaplMeter(self.kernel, Domain.PACKAGE)]
        self.store = Store()
        self.now_s = NOON_S
        self.mono_ns = 10**9
        self.events: list[tuple[EventKind, tuple[str, ...]]] = []
        self.armed = True
        self.rival = ""
        self.spare_w: float | None = None
        self.battery = BatteryState()
        self.lease: LeaseView | None = None
        self.told: Callable[[], None] = lambda: None
        self.table = msgspec.convert({**VOLUME, **table}, EnergyTable)
        self.agent = self._agent()

    def _agent(self) -> EnergyController:
        store = DayStore(self.folder / "signals")
        self.feed = SignalFeed(self.source, store, lambda: self.now_s, 3600.0 * 6)
        held = self.held = Held(Powercap(self.kernel), RestoreFile(self.folder / "restore.json", "boot"))
        self.writer = CapWriter(PortThread("cap", held, "stuck"), lambda: self.rival, self.table.apply_s)
        around = Surroundings(
            now_s=lambda: self.now_s,
            now_ns=lambda: self.mono_ns,
            emit=lambda kind, source, *args: self.events.append((kind, args)),
            changed=lambda: self.told(),
            may_act=lambda: "" if self.armed else "not armed",
            spare_w=lambda: self.spare_w,
            battery=lambda: self.battery,
            lease=lambda: self.lease,
        )
        return EnergyController(
            self.table,
            {"volume": self.feed} if self.table.signals else {},
            [policy.make() for policy in self.table.policies],
            PortThread("meters", MeterSet(self.meters), "stuck"),
            self.writer,
            "powercap",
            EnergyCounters(self.store, ZoneInfo(ZONE)),
            around,
        )

    async def look(self, after_s: float = 5.0) -> float:
        """Let time pass, fetch what is due, look once; returns the limit that is in force, in watts."""
        self.now_s += after_s
        self.mono_ns += int(after_s * 1e9)
        await self.feed.step()
        await self.agent.look()
        await self.agent.settled()
        return self.limit_w

    async def kill(self) -> None:
        """As kill -9 does: nothing is given back. A new agent starts, which gives back first."""
        self.agent = self._agent()
        await self.feed.load()
        await self.agent.recover()

    def on_battery(self, charge: float | None) -> None:
        """None = on the mains."""
        phase = BatteryPhase.MAINS if charge is None else BatteryPhase.DISCHARGING
        self.battery = BatteryState(phase, charge=charge)

    @property
    def limit_w(self) -> float:
        return self.tree.number(LIMIT) / 1e6

    def kinds(self) -> list[str]:
        return [kind.value for kind, _ in self.events]
