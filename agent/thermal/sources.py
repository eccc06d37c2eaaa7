# SPDX-License-Identifier: Apache-2.0
"""Where a sensor is read, by its adapter: a chip on I2C, a hwmon chip, a supply that is polled anyway, a remote BMC."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING, Protocol

from agent.hardware.hwmon import HwmonChip
from agent.hardware.lm75 import read_temperature
from agent.hardware.remote_sensors import RemoteReading, Unavailable
from agent.hardware.smbus import bus_in_trouble
from agent.profile.thermal_tables import Quantity
from agent.thermal.reading import SensorReading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.hardware.hwmon import HwmonPort
    from agent.hardware.i2c_bus import I2cBus
    from agent.hardware.port_thread import PortThread
    from agent.hardware.remote_sensors import RemoteSensors
    from agent.hardware.smbus import SmbusPort
    from agent.profile.schema import SensorTable
    from agent.psu.slot import Slot

HWMON_KINDS: dict[Quantity, str] = {Quantity.TEMPERATURE: "temp", Quantity.HUMIDITY: "humidity"}
MILLI = 1000


class SensorSource(Protocol):
    """One place to read. `shared` names what it has in common with others: if that fails, all of them do."""

    @property
    def shared(self) -> str: ...

    async def read(self) -> SensorReading:
        """Raises OSError."""
        ...


class Lm75Source:
    def __init__(self, bus: I2cBus, address: int) -> None:
        self._bus = bus
        self._address = address

    @property
    def shared(self) -> str:
        return f"i2c/{self._bus.name}"

    async def read(self) -> SensorReading:
        def work(port: SmbusPort) -> float:
            try:
                return read_temperature(port, self._address)
            except OSError as error:
                if bus_in_trouble(error):
                    raise
                return read_temperature(port, self._address)  # one spark on the bus is no lost sensor

        return SensorReading(await self._bus.call(work), time.monotonic_ns())


class HwmonSource:
    """A chip that says of its own channel that it is broken (`temp1_fault`) has no reading."""

    def __init__(
        self, thread: PortThread[HwmonPort], chip: HwmonChip, quantity: Quantity, attribute: str, channel: str
    ) -> None:
        """By `attribute`, or where that is empty by the label `channel`."""
        self._thread = thread
        self._chip = chip
        self._kind = HWMON_KINDS[quantity]
        self._attribute = attribute
        self._channel = channel

    @property
    def shared(self) -> str:
        return f"hwmon/{self._chip}"

    async def read(self) -> SensorReading:
        return SensorReading(await self._thread.call(self._read), time.monotonic_ns())

    def _read(self, port: HwmonPort) -> float:
        attribute = self._attribute or port.attribute_of(self._chip, self._kind, self._channel)
        if port.read_optional(self._chip, attribute.removesuffix("_input") + "_fault"):
            raise OSError(errno.EIO, f"{self._chip} says that the sensor of {attribute} is broken")
        return port.read(self._chip, attribute) / MILLI


class SupplySource:
    """What the supply monitor read last: no poll of its own."""

    def __init__(self, slot: Callable[[], Slot], number: int, bus: str) -> None:
        self._slot = slot
        self._number = number
        self._bus = bus

    @property
    def shared(self) -> str:
        return f"i2c/{self._bus}"

    async def read(self) -> SensorReading:
        slot = self._slot()
        if slot.readings is None:
            return SensorReading.unavailable(f"supply {slot.name} is {slot.health.value}")
        temperatures = slot.readings.temperatures_c
        value = temperatures[self._number - 1] if self._number <= len(temperatures) else None
        if value is None:
            return SensorReading.unavailable(f"supply {slot.name} does not tell temperature {self._number}")
        return SensorReading(value, slot.readings.mono_ns)


class RemoteSource:
    """A sensor of a BMC that is an adapter of the profile; the board asks it, and never keeps its last word."""

    def __init__(self, remote: RemoteSensors | None, bmc: str, sensor: str) -> None:
        self._remote = remote
        self._bmc = bmc
        self._sensor = sensor

    @property
    def shared(self) -> str:
        return f"bmc/{self._bmc}"

    async def read(self) -> SensorReading:
        if self._remote is None:
            return SensorReading.unavailable(f"adapter {self._bmc!r} has no sensors")
        match await self._remote.sensor(self._sensor):
            case RemoteReading(value=value, mono_ns=mono_ns):
                return SensorReading(value, mono_ns)
            case Unavailable(reason=reason):
                return SensorReading.unavailable(f"{self._bmc}: {reason}")


class SourceMaker:
    """Makes the source of each sensor of a profile."""

    def __init__(
        self,
        buses: Mapping[str, I2cBus],
        hwmon: Mapping[HwmonChip, PortThread[HwmonPort]],
        slots: Mapping[str, tuple[str, Callable[[], Slot]]],
        remote: Callable[[str], RemoteSensors | None],
    ) -> None:
        """`slots`: of each supply its bus, and its slot as it is now; `remote`: the sensors behind an adapter."""
        self._buses = buses
        self._hwmon = hwmon
        self._slots = slots
        self._remote = remote

    def source(self, table: SensorTable) -> SensorSource:
        match table.adapter:
            case "lm75":
                assert table.address is not None  # the profile check has seen to that
                return Lm75Source(self._buses[table.bus], table.address)
            case "hwmon":
                chip = HwmonChip(table.chip, table.device)
                return HwmonSource(self._hwmon[chip], chip, table.quantity, table.attribute, table.channel)
            case "pmbus":
                bus, slot = self._slots[table.supply]
                return SupplySource(slot, table.number or 1, bus)
            case "ipmi":
                return RemoteSource(self._remote(table.bmc), table.bmc, table.remote_sensor)
