# SPDX-License-Identifier: Apache-2.0
"""Sensors by adapter: a value with a time, or unavailable with a reason; nothing stale, nothing made up."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from agent.events.event import EventKind
from agent.hardware.hwmon import HwmonChip, KernelHwmon
from agent.hardware.i2c_bus import I2cBus
from agent.hardware.pmbus.readings import SupplyReadings
from agent.hardware.pmbus.status import Status, StatusWord
from agent.hardware.port_thread import PortThread
from agent.hardware.remote_sensors import RemoteReading, Unavailable
from agent.profile.load import find_profile, load_profile
from agent.profile.schema import SensorTable
from agent.profile.thermal_tables import Quantity
from agent.psu.slot import Health, Slot
from agent.sim.plant import Plant
from agent.sim.smbus import SimulatedSmbus
from agent.thermal.monitor import STALE_NS, SensorMonitor
from agent.thermal.reading import SensorReading, plausible
from agent.thermal.sources import SensorSource, SourceMaker
from tests.agent.hardware.fake_sysfs import FakeSysfs
from tests.agent.thermal.recorders import RecordedEvents

if TYPE_CHECKING:
    from pathlib import Path

    from agent.hardware.hwmon import HwmonPort

SHT = HwmonChip("sht3x")


def table(**keys: object) -> SensorTable:
    return SensorTable(**{"name": "s", "label": "S", "adapter": "hwmon"} | keys)  # type: ignore[arg-type]


class Remote:
    """Implements RemoteSensors."""

    async def sensor(self, name: str) -> RemoteReading | Unavailable:
        known = name == "Ambient"
        return RemoteReading(31.5, "C", time.monotonic_ns()) if known else Unavailable(f"no sensor {name!r}")


class House:
    """Everything that sensors are read from."""

    def __init__(self, folder: Path) -> None:
        self.sysfs = FakeSysfs(folder)
        plant = Plant(load_profile(find_profile("sim")), time.monotonic_ns())
        plant.sensor("cpu", 61.5)
        self.thread: PortThread[HwmonPort] = PortThread("test", KernelHwmon(self.sysfs.root), "stuck")
        self.bus = I2cBus("main", SimulatedSmbus(plant, "main"))
        self.slot = Slot("1")
        self.remote = Remote()
        self.maker = SourceMaker(
            {"main": self.bus},
            {SHT: self.thread},
            {"1": ("main", lambda: self.slot)},
            lambda name: self.remote if name == "node1" else None,
        )
        self.events = RecordedEvents()

    def monitor(self, sensor: SensorTable, source: SensorSource | None = None) -> SensorMonitor:
        return SensorMonitor((sensor,), {"s": source or self.maker.source(sensor)}, self.events)

    def read(self, sensor: SensorTable) -> SensorReading:
        async def once() -> SensorReading:
            monitor = self.monitor(sensor)
            await monitor.poll()
            return monitor.reading("s")

        return asyncio.run(once())

    def close(self) -> None:
        self.thread.close()
        self.bus.close()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_hwmon_by_attribute_and_by_label(house: House) -> None:
    folder = house.sysfs.plug(
        4, "sht3x", temp1_input=21_750, humidity1_input=48_300, temp2_input=30_000, temp2_label="Board"
    )
    assert house.read(table(chip="sht3x", attribute="temp1_input")).value == 21.75
    assert house.read(table(chip="sht3x", channel="Board")).value == 30
    humid = table(chip="sht3x", attribute="humidity1_input", quantity=Quantity.HUMIDITY)
    assert house.read(humid).value == 48.3
    (folder / "temp1_fault").write_text("1\n")
    broken = house.read(table(chip="sht3x", attribute="temp1_input"))
    assert (broken.value, broken.why) == (None, "sht3x says that the sensor of temp1_input is broken")
    (folder / "humidity1_input").write_text("148300\n")
    assert house.read(humid).why == "it says 148.3 %, which cannot be"
    house.close()


def test_lm75_on_the_bus(house: House) -> None:
    sensor = table(adapter="lm75", bus="main", address=0x49)
    assert house.read(sensor).value == 61.5
    assert house.maker.source(sensor).shared == "i2c/main"
    assert house.read(table(adapter="lm75", bus="main", address=0x4F)).value is None
    house.close()


def test_a_supply_is_read_from_its_last_poll(house: House) -> None:
    second = table(adapter="pmbus", supply="1", number=2)
    assert house.read(second).why == "supply 1 is unknown"
    now_ns = time.monotonic_ns()
    readings = SupplyReadings(mono_ns=now_ns, status=Status(StatusWord(0)), temperatures_c=(30.0, 52.0, None))
    house.slot = Slot("1", health=Health.OK, readings=readings)
    assert house.read(second) == SensorReading(52.0, now_ns)
    assert house.read(table(adapter="pmbus", supply="1", number=3)).why == "supply 1 does not tell temperature 3"
    old = SupplyReadings(mono_ns=now_ns - STALE_NS - 1, status=Status(StatusWord(0)), temperatures_c=(30.0,))
    house.slot = Slot("1", health=Health.OK, readings=old)
    assert house.read(table(adapter="pmbus", supply="1")).why == "nothing new was read for a while"
    house.close()


def test_a_remote_bmc_is_asked_by_the_name_it_gives(house: House) -> None:
    assert house.read(table(adapter="ipmi", bmc="node1", remote_sensor="Ambient")).value == 31.5
    assert house.read(table(adapter="ipmi", bmc="node1", remote_sensor="CPU")).why == "node1: no sensor 'CPU'"
    alone = SourceMaker({}, {}, {}, lambda _: None).source(table(adapter="ipmi", bmc="node1", remote_sensor="Ambient"))
    assert asyncio.run(alone.read()).why == "adapter 'node1' has no sensors"
    house.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e9, -273.2])
def test_no_sensor_says_such_things(value: float) -> None:
    assert plausible(Quantity.TEMPERATURE, SensorReading(value, 1)).value is None


class Moody:
    """A source that answers what it is told to."""

    shared = "moody"

    def __init__(self) -> None:
        self.next: float | Exception = 20.0

    async def read(self) -> SensorReading:
        if isinstance(self.next, Exception):
            raise self.next
        return SensorReading(self.next, time.monotonic_ns())


def test_a_loss_is_told_once_after_two_polls_and_its_end_once(house: House) -> None:
    async def story() -> None:
        source = Moody()
        monitor = house.monitor(table(chip="sht3x", attribute="temp1_input"), source)
        await monitor.poll()
        for failure in (OSError(5, "broken wire"), RuntimeError("a fault in an adapter")):
            source.next = failure
            await monitor.poll()
            assert monitor.reading("s").value is None
            told = len(house.events.told)
            await monitor.poll()
            await monitor.poll()
            assert house.events.kinds()[told:] == [EventKind.SENSOR_LOST]
            source.next = 21.0
            await monitor.poll()
            assert house.events.kinds()[-1] is EventKind.SENSOR_RECOVERED
            assert monitor.reading("s").value == 21

    asyncio.run(story())
    house.close()
