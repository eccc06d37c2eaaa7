# SPDX-License-Identifier: Apache-2.0
"""The plant: hosts, rails, supplies and temperatures together. Outputs and I2C transactions go in, levels come out."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import fields
from typing import TYPE_CHECKING

from agent.hardware.lm75 import encode_temperature
from agent.sim import equipment
from agent.sim.atx_host import MS, HostPhase
from agent.sim.equipment import AMBIENT_C
from agent.sim.fan import FanHappening, FanMode, air_factor
from agent.sim.host_faults import happen_to_host
from agent.sim.humid_air import HumidAir
from agent.sim.rail import Rail, RailFault
from agent.sim.share_bus import share
from agent.sim.supply import Happening
from agent.sim.things import MAX_SPAN_MS, UnknownThing, find, happening_of, span_ms

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from agent.profile.schema import Profile
    from agent.sim.atx_host import AtxHost
    from agent.sim.fan import SimulatedFan
    from agent.sim.rail import RailWiring
    from agent.sim.supply import CrpsSupply
    from agent.sim.thermal import ThermalMass

MIN_C, MAX_C = -55.0, 127.0
"""What an LM75 can say."""
MAX_LOAD_W = 100_000.0
MIN_PERIOD_MS = 2.0
START_LOSS_MS = 100
"""A feeding that is lost at a start is lost so long after the press: before power-good can come."""


class Plant:
    """Thread safe: the I2C thread reads registers while the loop's thread moves lines."""

    def __init__(self, profile: Profile, now_ns: int, rails: Sequence[RailWiring] = ()) -> None:
        self._lock = threading.Lock()
        self.hosts = equipment.hosts(profile)
        self.rails = {wiring.name: Rail() for wiring in rails}
        self._fed_by = {host: [wiring.name for wiring in rails if host in wiring.feeds] for host in self.hosts}
        self.mains = True
        self.lost_at_start: list[tuple[str, Happening]] = []
        """Supplies, or "" for the mains, that give up when the next host starts."""
        self._loss_due_ns: int | None = None
        self.supplies = equipment.supplies(profile)
        self._eeproms = equipment.eeprom_addresses(profile)
        self.bus_faults = equipment.bus_faults(profile)
        self._settled_ns = now_ns
        self._devices = equipment.supply_addresses(profile)
        self.masses = equipment.masses(profile, now_ns)
        self.humid_air = equipment.humid_air(profile)
        self.fans = equipment.fans(profile)
        self._labels = {sensor.label: sensor.name for sensor in profile.sensors}
        self._sensors = equipment.sensor_addresses(profile)
        self.lost_sensors: set[str] = set()
        self._settle(now_ns)

    # ------------------------------------------------------------------ lines

    def power_button(self, host: str, active: bool, now_ns: int) -> None:
        with self._lock:
            self._advance(now_ns)
            self.hosts[host].power_button(active, now_ns)
            self._settle(now_ns)

    def reset_button(self, host: str, active: bool, now_ns: int) -> None:
        with self._lock:
            self._advance(now_ns)
            self.hosts[host].reset_button(active, now_ns)
            self._settle(now_ns)

    def rail_output(self, rail: str, active: bool, now_ns: int) -> None:
        with self._lock:
            self._advance(now_ns)
            self.rails[rail].drive(active, now_ns)
            self._settle(now_ns)

    def advance(self, now_ns: int) -> int | None:
        """Let time pass; returns when to call again, or None."""
        with self._lock:
            self._advance(now_ns)
            dues = [host.deadline_ns(now_ns) for host in self.hosts.values()]
            dues += [rail.deadline_ns(now_ns) for rail in self.rails.values()]
            return min((due for due in (*dues, self._loss_due_ns) if due is not None), default=None)

    def power_good(self, host: str) -> bool:
        """Whether the host has main power, whatever its line shows."""
        with self._lock:
            return self.hosts[host].power_good

    def power_good_line(self, host: str, now_ns: int) -> bool:
        with self._lock:
            return self.hosts[host].power_good_line(now_ns)

    def rail_power_good(self, rail: str, now_ns: int) -> bool:
        with self._lock:
            return self.rails[rail].power_good(now_ns)

    # ------------------------------------------------------------------ the I2C bus

    def device(self, bus: str, address: int, now_ns: int) -> CrpsSupply | ThermalMass:
        """The device that answers at an address. Raises OSError (ENXIO) when nothing is there."""
        with self._lock:
            self._settle(now_ns)
            if (bus, address) in self._devices:
                supply = self.supplies[self._devices[bus, address]]
                if supply.present and not supply.muted:
                    return supply
            sensor = self._sensors.get((bus, address))
            if sensor is not None and sensor not in self.lost_sensors:
                return self.masses[sensor]
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    def ping(self, bus: str, address: int) -> int:
        """A byte from an inventory memory, which lives while its supply is in the slot. Raises OSError (ENXIO)."""
        with self._lock:
            name = self._eeproms.get((bus, address))
            if name is not None and self.supplies[name].present:
                return 0xFF
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    # ------------------------------------------------------------------ hwmon chips

    def measured(self, sensor: str) -> float:
        """What a sensor that is no chip on I2C shows, in its unit. Raises OSError (EIO) when it is lost."""
        with self._lock:
            if sensor in self.lost_sensors:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
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
        """`remove`, `insert`, `ac-off` ...: agent.sim.supply.Happening; `ac-off-at-start`, `fail-at-start`.

        Raises UnknownThing.
        """
        with self._lock:
            supply = find(self.supplies, "supply", name)
            if happening in ("ac-off-at-start", "fail-at-start"):
                self.lost_at_start.append((name, Happening(happening.removesuffix("-at-start"))))
                return
            supply.happen(happening_of(Happening, happening, "supply", ", ac-off-at-start, fail-at-start"))
            self._settle(now_ns)

    def set_mains(self, happening: str, now_ns: int) -> None:
        """`off`, `on`, or `off-at-start`: off as soon as the next host starts. Raises UnknownThing."""
        with self._lock:
            match happening:
                case "off" | "on":
                    self._switch_mains(happening == "on")
                    self._settle(now_ns)
                case "off-at-start":
                    self.lost_at_start.append(("", Happening.AC_OFF))
                case _:
                    raise UnknownThing(f"the mains knows off, on, off-at-start (not {happening!r})")

    def _switch_mains(self, there: bool) -> None:
        self.mains = there
        for supply in self.supplies.values():
            supply.happen(Happening.AC_ON if there else Happening.AC_OFF)

    def rail(self, name: str, happening: str, now_ns: int) -> None:
        """`never`, `stuck`, `normal`. Raises UnknownThing."""
        with self._lock:
            rail = find(self.rails, "rail", name)
            rail.break_down(happening_of(RailFault, happening, "rail", ", drop MS"), now_ns)
            self._settle(now_ns)

    def drop_rail(self, name: str, width_ms: float, now_ns: int) -> None:
        """It is off for so long. Raises UnknownThing, ValueError."""
        with self._lock:
            find(self.rails, "rail", name).drop(span_ms(width_ms), now_ns)
            self._settle(now_ns)

    def bus(self, name: str, happening: str, rate: float) -> None:
        """`stuck`, `free`, `nack` and `pec-errors` with a rate of 0 to 1. Raises UnknownThing, ValueError."""
        with self._lock:
            faults = find(self.bus_faults, "bus", name)
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
        """What may happen to a host: agent.sim.host_faults.HOST_WORDS. Raises UnknownThing."""
        with self._lock:
            happen_to_host(find(self.hosts, "host", name), happening, now_ns)
            self._settle(now_ns)

    def drop(self, name: str, width_ms: float, now_ns: int) -> None:
        """Power-good of a host is off for so long. Raises UnknownThing, ValueError."""
        with self._lock:
            find(self.hosts, "host", name).sense.drop(span_ms(width_ms), now_ns)

    def flicker(self, name: str, period_ms: float, width_ms: float, now_ns: int) -> None:
        """Power-good of a host changes all the time, for so long. Raises UnknownThing, ValueError."""
        if not MIN_PERIOD_MS <= period_ms <= MAX_SPAN_MS:
            raise ValueError(f"a period is {MIN_PERIOD_MS:g} to {MAX_SPAN_MS:g} ms (not {period_ms:g})")
        with self._lock:
            find(self.hosts, "host", name).sense.flicker(round(period_ms), span_ms(width_ms), now_ns)

    def finger(self, name: str, width_ms: float, now_ns: int) -> None:
        """A person presses the power button at the host. Raises UnknownThing, ValueError."""
        with self._lock:
            find(self.hosts, "host", name).finger(span_ms(width_ms), now_ns)
            self._settle(now_ns)

    def sensor(self, name: str, value: float | None) -> None:
        """Force a temperature or a humidity, or let the model decide (None). Raises UnknownThing, ValueError."""
        with self._lock:
            thing = find(self._sensed(), "sensor", self._labels.get(name, name))
            low, high, unit = (0.0, 100.0, "%") if isinstance(thing, HumidAir) else (MIN_C, MAX_C, "C")
            if value is not None and not low <= value <= high:
                raise ValueError(f"a sensor shows {low:g} to {high:g} {unit} (not {value:g})")
            thing.forced = value

    def fan(self, name: str, happening: str, now_ns: int) -> None:
        """`stall`, `normal`: agent.sim.fan.FanHappening. Raises UnknownThing."""
        with self._lock:
            fan = find(self.fans, "fan", name)
            what = happening_of(FanHappening, happening, "fan")
            self._settle(now_ns)
            fan.happen(what)

    def lose_sensor(self, name: str, lost: bool) -> None:
        """Its address answers no more, or again. Raises UnknownThing."""
        name = self._labels.get(name, name)
        with self._lock:
            find(self._sensed(), "sensor", name)
            if lost:
                self.lost_sensors.add(name)
            else:
                self.lost_sensors.discard(name)

    def load(self, watts: float, now_ns: int, host: str | None = None) -> None:
        """What one host draws while it is on, or every host. Raises UnknownThing, ValueError."""
        if not 0 <= watts <= MAX_LOAD_W:
            raise ValueError(f"a load is 0 to {MAX_LOAD_W:g} W (not {watts:g})")
        with self._lock:
            loaded = list(self.hosts.values()) if host is None else [find(self.hosts, "host", host)]
            for one in loaded:
                one.load_w = watts
            self._settle(now_ns)

    def restore(
        self,
        mains: bool,
        hosts: Mapping[str, AtxHost],
        supplies: Mapping[str, CrpsSupply],
        rails: Mapping[str, Rail],
        sensors: Mapping[str, float | None],
        fans: Mapping[str, SimulatedFan],
        lost_sensors: Collection[str],
        lost_at_start: Sequence[tuple[str, Happening]],
    ) -> None:
        """The state of an earlier plant of the same board; parts that this one does not have are left out."""
        with self._lock:
            self.mains = mains
            self.hosts.update((name, host) for name, host in hosts.items() if name in self.hosts)
            self.rails.update((name, rail) for name, rail in rails.items() if name in self.rails)
            for name, supply in supplies.items():
                if name in self.supplies:
                    for key in fields(supply):  # in place: addresses lead to these very objects
                        setattr(self.supplies[name], key.name, getattr(supply, key.name))
            known = self._sensed()
            for name, forced in sensors.items():
                if name in known:
                    known[name].forced = forced
            self.lost_sensors = {name for name in lost_sensors if name in known}
            self.fans.update((name, fan) for name, fan in fans.items() if name in self.fans)
            self.lost_at_start[:] = [entry for entry in lost_at_start if entry[0] in ("", *self.supplies)]

    # ------------------------------------------------------------------ time

    def _advance(self, now_ns: int) -> None:
        if self._loss_due_ns is not None and now_ns >= self._loss_due_ns:
            for name, happening in self.lost_at_start:
                if name:
                    self.supplies[name].happen(happening)
                else:
                    self._switch_mains(False)
            self.lost_at_start.clear()
            self._settle(self._loss_due_ns)
            self._loss_due_ns = None
        for host in self.hosts.values():
            host.advance(now_ns)
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
        feeding = self.mains if not supplies else any(supply.healthy for supply in supplies)
        for name, host in self.hosts.items():
            host.feed(feeding and all(self.rails[rail].live(now_ns) for rail in self._fed_by[name]), now_ns)
        main_on = any(host.supplies_on for host in self.hosts.values())
        load_w = sum(host.drawn_w(now_ns) for host in self.hosts.values())
        share(supplies, load_w, main_on)
        if self.lost_at_start and self._loss_due_ns is None and self._starting():
            self._loss_due_ns = now_ns + START_LOSS_MS * MS
        air = air_factor(list(self.fans.values()))
        for name, mass in self.masses.items():
            mass.advance(now_ns, equipment.target_c(name, load_w * air / max(1, len(self.hosts))))

    def _sensed(self) -> dict[str, ThermalMass | HumidAir]:
        """What sensors are in, by their names."""
        return {**self.masses, **self.humid_air}

    def _starting(self) -> bool:
        return any(host.phase is HostPhase.STARTING for host in self.hosts.values())


def temperature_word(mass: ThermalMass) -> int:
    """What the sensor chip on a thermal mass answers."""
    return encode_temperature(mass.shown)
