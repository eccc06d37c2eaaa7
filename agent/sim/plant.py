# SPDX-License-Identifier: Apache-2.0
"""The plant: hosts, supplies and temperatures together. Buttons and I2C transactions go in, levels come out."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING, TypeVar

from agent.hardware.lm75 import encode_temperature
from agent.profile.thermal_tables import Quantity
from agent.sim.atx_host import AtxHost, Behaviour
from agent.sim.bus_faults import BusFaults
from agent.sim.fan import FanHappening, FanMode, SimulatedFan, air_factor
from agent.sim.humid_air import HumidAir
from agent.sim.share_bus import share
from agent.sim.supply import CrpsSupply, Happening
from agent.sim.thermal import ThermalMass

if TYPE_CHECKING:
    from agent.profile.schema import Profile

T = TypeVar("T")

IDLE_LOAD_W = 120.0
AMBIENT_C = 23.0
MASSES_C_PER_W = {"inlet": (0.004, 120.0), "cpu": (0.16, 20.0)}
"""Rise over ambient per watt of load, and time constant in seconds, by the name of the sensor."""
OTHER_MASS = (0.02, 60.0)
MIN_C, MAX_C = -55.0, 127.0
"""What an LM75 can say."""
MAX_LOAD_W = 100_000.0


class UnknownThing(LookupError):
    """The plant has no such part; the text names it and what there is."""


class Plant:
    """Thread safe: the I2C thread reads registers while the loop's thread moves lines."""

    def __init__(self, profile: Profile, now_ns: int) -> None:
        self._lock = threading.Lock()
        self.hosts = {host.name: AtxHost() for host in profile.hosts}
        self.supplies = {
            supply.name: CrpsSupply(
                address=supply.address,
                rated_w=supply.rated_w,
                serial=f"SIM{number:04d}",
                mfr_id=supply.mfr_id,
                mfr_model=supply.mfr_model,
            )
            for number, supply in enumerate(profile.supplies, 1)
        }
        self._eeproms = {
            (table.bus, table.eeprom): self.supplies[table.name]
            for table in profile.supplies
            if table.eeprom is not None
        }
        self.bus_faults = {name: BusFaults() for name in profile.buses}
        self._settled_ns = now_ns
        self._devices = {(supply.bus, supply.address): self.supplies[supply.name] for supply in profile.supplies}
        self.masses = {
            sensor.name: ThermalMass(AMBIENT_C, self._constants(sensor.name)[1], now_ns)
            for sensor in profile.sensors
            if sensor.quantity is Quantity.TEMPERATURE
        }
        self.humid_air = {sensor.name: HumidAir() for sensor in profile.sensors if sensor.quantity is Quantity.HUMIDITY}
        self.fans = {fan.name: SimulatedFan() for fan in profile.fans}
        self._labels = {sensor.label: sensor.name for sensor in profile.sensors}
        self._sensors = {
            (sensor.bus, sensor.address): sensor.name for sensor in profile.sensors if sensor.address is not None
        }
        self._load_w = IDLE_LOAD_W
        self._settle(now_ns)

    @staticmethod
    def _constants(name: str) -> tuple[float, float]:
        return MASSES_C_PER_W.get(name, OTHER_MASS)

    # ------------------------------------------------------------------ lines

    def power_button(self, host: str, active: bool, now_ns: int) -> None:
        with self._lock:
            self.hosts[host].power_button(active, now_ns)
            self._settle(now_ns)

    def reset_button(self, host: str, active: bool, now_ns: int) -> None:
        with self._lock:
            self.hosts[host].reset_button(active, now_ns)
            self._settle(now_ns)

    def advance(self, now_ns: int) -> int | None:
        """Let time pass; returns when to call again, or None."""
        with self._lock:
            for host in self.hosts.values():
                host.advance(now_ns)
            self._settle(now_ns)
            due = [deadline for host in self.hosts.values() if (deadline := host.deadline_ns()) is not None]
            return min(due, default=None)

    def power_good(self, host: str) -> bool:
        with self._lock:
            return self.hosts[host].power_good

    # ------------------------------------------------------------------ the I2C bus

    def device(self, bus: str, address: int, now_ns: int) -> CrpsSupply | ThermalMass:
        """The device that answers at an address. Raises OSError (ENXIO) when nothing is there."""
        with self._lock:
            self._settle(now_ns)
            if (bus, address) in self._devices:
                supply = self._devices[(bus, address)]
                if supply.present and not supply.muted:
                    return supply
            if (bus, address) in self._sensors:
                return self.masses[self._sensors[(bus, address)]]
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    def ping(self, bus: str, address: int) -> int:
        """A byte from an inventory memory, which lives while its supply is in the slot. Raises OSError (ENXIO)."""
        with self._lock:
            supply = self._eeproms.get((bus, address))
            if supply is not None and supply.present:
                return 0xFF
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    # ------------------------------------------------------------------ hwmon chips

    def measured(self, sensor: str) -> float:
        """What a sensor that is no chip on I2C shows, in its unit."""
        with self._lock:
            if sensor in self.humid_air:
                inlet = self.masses.get("inlet")
                return self.humid_air[sensor].shown(AMBIENT_C if inlet is None else inlet.celsius, AMBIENT_C)
            return self.masses[sensor].shown

    def drive_fan(self, name: str, now_ns: int, pwm: int | None = None, mode: FanMode | None = None) -> None:
        with self._lock:
            self._settle(now_ns)
            fan = self.fans[name]
            fan.pwm = fan.pwm if pwm is None else pwm
            fan.mode = fan.mode if mode is None else mode

    def settle(self, now_ns: int) -> None:
        with self._lock:
            self._settle(now_ns)

    # ------------------------------------------------------------------ the outside world

    def supply(self, name: str, happening: str, now_ns: int) -> None:
        """`remove`, `insert`, `ac-off` ...: agent.sim.supply.Happening. Raises UnknownThing."""
        with self._lock:
            supply = _find(self.supplies, "supply", name)
            try:
                what = Happening(happening)
            except ValueError:
                known = ", ".join(one.value for one in Happening)
                raise UnknownThing(f"a supply knows {known} (not {happening!r})") from None
            supply.happen(what)
            self._settle(now_ns)

    def bus(self, name: str, happening: str, rate: float) -> None:
        """`stuck`, `free`, `nack` and `pec-errors` with a rate of 0 to 1. Raises UnknownThing, ValueError."""
        with self._lock:
            faults = _find(self.bus_faults, "bus", name)
            if not 0 <= rate <= 1:
                raise ValueError(f"a rate is 0 to 1 (not {rate:g})")
            match happening:
                case "stuck" | "free":
                    faults.stuck = happening == "stuck"
                case "nack":
                    faults.nack_rate = rate
                case "pec-errors":
                    faults.pec_error_rate = rate
                case _:
                    raise UnknownThing(f"a bus knows stuck, free, nack RATE, pec-errors RATE (not {happening!r})")

    def host(self, name: str, happening: str, now_ns: int) -> None:
        """`hang`, `crash`, `ignore-soft-off`, `normal`. Raises UnknownThing."""
        with self._lock:
            host = _find(self.hosts, "host", name)
            if happening == "crash":
                host.crash()
            else:
                try:
                    host.behaviour = Behaviour(happening)
                except ValueError:
                    known = f"crash, {', '.join(one.value for one in Behaviour)}"
                    raise UnknownThing(f"a host knows {known} (not {happening!r})") from None
            self._settle(now_ns)

    def sensor(self, name: str, value: float | None) -> None:
        """Force a temperature or a humidity, or let the model decide (None). Raises UnknownThing, ValueError."""
        with self._lock:
            thing = _find(self.masses | self.humid_air, "sensor", self._labels.get(name, name))
            low, high, unit = (0.0, 100.0, "%") if isinstance(thing, HumidAir) else (MIN_C, MAX_C, "C")
            if value is not None and not low <= value <= high:
                raise ValueError(f"a sensor shows {low:g} to {high:g} {unit} (not {value:g})")
            thing.forced = value

    def fan(self, name: str, happening: str, now_ns: int) -> None:
        """`stall`, `normal`: agent.sim.fan.FanHappening. Raises UnknownThing."""
        with self._lock:
            fan = _find(self.fans, "fan", name)
            try:
                what = FanHappening(happening)
            except ValueError:
                known = ", ".join(one.value for one in FanHappening)
                raise UnknownThing(f"a fan knows {known} (not {happening!r})") from None
            self._settle(now_ns)
            fan.happen(what)

    def load(self, watts: float, now_ns: int) -> None:
        """What the hosts draw together while they are on. Raises ValueError."""
        if not 0 <= watts <= MAX_LOAD_W:
            raise ValueError(f"a load is 0 to {MAX_LOAD_W:g} W (not {watts:g})")
        with self._lock:
            self._load_w = watts
            self._settle(now_ns)

    def _settle(self, now_ns: int) -> None:
        """Bring hosts, supplies and temperatures into agreement at this instant."""
        supplies = list(self.supplies.values())
        elapsed_s = max(0, now_ns - self._settled_ns) / 1e9
        for supply in supplies:
            supply.advance(elapsed_s)
        for fan in self.fans.values():
            fan.advance(elapsed_s)
        self._settled_ns = now_ns
        feeding = not supplies or any(supply.healthy for supply in supplies)
        for host in self.hosts.values():
            if host.mains != feeding:
                host.set_mains(feeding)
        main_on = any(host.supplies_on for host in self.hosts.values())
        load_w = self._load_w if any(host.power_good for host in self.hosts.values()) else 0.0
        share(supplies, load_w, main_on)
        air = air_factor(list(self.fans.values()))
        for name, mass in self.masses.items():
            mass.advance(now_ns, AMBIENT_C + self._constants(name)[0] * load_w * air)


def temperature_word(mass: ThermalMass) -> int:
    """What the sensor chip on a thermal mass answers."""
    return encode_temperature(mass.shown)


def _find(things: dict[str, T], kind: str, name: str) -> T:
    if name not in things:
        raise UnknownThing(f"this board has no {kind} {name!r}; it has: {', '.join(things) or 'none'}")
    return things[name]
