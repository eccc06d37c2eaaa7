# SPDX-License-Identifier: Apache-2.0
"""Reads the batteries that the kernel knows: /sys/class/power_supply, units of power_supply_class (uW, uWh, uA, uAh).

May block for milliseconds (the firmware of a laptop is asked): use it on a thread of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.energy.battery import BatteryReading, NoBatteryReading
from agent.energy.sysfs import Failed

if TYPE_CHECKING:
    from agent.energy.sysfs import Sysfs

FOLDER = "class/power_supply"
STORES = frozenset({"Battery", "UPS"})
MAINS = frozenset({"Mains", "USB", "Wireless"})
FED = frozenset({"Charging", "Full", "Not charging"})
"""Without a mains input that says more: a battery that is not charging is not discharged either."""
MICRO = 1e-6
MOST_W, MOST_WH, MOST_S = 100_000.0, 1_000_000.0, 30 * 86_400.0
"""No battery that a board is beside has more: such a number is none."""


class BatterySource(Protocol):
    """May block. Raises nothing."""

    name: str

    def read(self) -> BatteryReading | NoBatteryReading: ...


@dataclass(frozen=True, slots=True)
class _Store:
    """One battery; None = it does not say."""

    status: str
    charge: float | None
    wh: float | None
    capacity_wh: float | None
    power_w: float | None
    runtime_s: float | None


class PowerSupplyBattery:
    """Implements BatterySource. Several batteries count as one; those of mice and keyboards do not count."""

    name = "power_supply"

    def __init__(self, sysfs: Sysfs, device: str = "") -> None:
        """`device`: this one battery only; empty = all of the machine."""
        self._sysfs = sysfs
        self._device = device

    def read(self) -> BatteryReading | NoBatteryReading:
        stores: list[_Store] = []
        mains: list[bool] = []
        for folder in (f"{FOLDER}/{name}" for name in self._sysfs.names(FOLDER)):
            kind = self._sysfs.text(f"{folder}/type")
            if self._sysfs.text(f"{folder}/scope") == "Device":
                continue
            if kind in STORES and self._device in ("", folder.rpartition("/")[2]):
                if self._sysfs.number(f"{folder}/present") != 0:
                    stores.append(self._store(folder))
            elif kind in MAINS:
                online = self._sysfs.number(f"{folder}/online")
                if not isinstance(online, Failed):
                    mains.append(online != 0)
        if not stores:
            what = f"battery {self._device}" if self._device else "battery"
            return NoBatteryReading(f"{self._sysfs.root / FOLDER} has no {what}; is its driver loaded?")
        on_mains = _on_mains(stores, mains)
        if on_mains is None:
            return NoBatteryReading("neither a mains input nor the battery's status says whether it is discharged")
        return _together(stores, on_mains)

    def _store(self, folder: str) -> _Store:
        status = self._sysfs.text(f"{folder}/status")
        percent = self._number(f"{folder}/capacity", 1.0, 100.0)
        volts = self._first(folder, ("voltage_min_design", "voltage_now"), 1000.0)
        wh = self._number(f"{folder}/energy_now", MICRO, MOST_WH)
        full_wh = self._first(folder, ("energy_full", "energy_full_design"), MOST_WH)
        ah = self._number(f"{folder}/charge_now", MICRO, MOST_WH)
        full_ah = self._first(folder, ("charge_full", "charge_full_design"), MOST_WH)
        if full_wh is None and full_ah is not None and volts is not None:
            wh, full_wh = None if ah is None else ah * volts, full_ah * volts
        share = percent / 100 if percent is not None else _share(wh, full_wh)
        if share is None:
            share = _share(ah, full_ah)
        return _Store(
            "" if isinstance(status, Failed) else status,
            share,
            wh if wh is not None or share is None or full_wh is None else share * full_wh,
            full_wh,
            self._power_w(folder),
            self._number(f"{folder}/time_to_empty_now", 1.0, MOST_S) or None,
        )

    def _power_w(self, folder: str) -> float | None:
        """Some drivers count what is drawn as negative."""
        watts = self._number(f"{folder}/power_now", MICRO, MOST_W, signed=True)
        if watts is not None:
            return watts
        volts = self._number(f"{folder}/voltage_now", MICRO, 1000.0)
        amperes = self._number(f"{folder}/current_now", MICRO, MOST_W, signed=True)
        return None if volts is None or amperes is None else volts * amperes

    def _first(self, folder: str, files: tuple[str, ...], most: float) -> float | None:
        found = (self._number(f"{folder}/{file}", MICRO, most) for file in files)
        return next((value for value in found if value), None)

    def _number(self, file: str, unit: float, most: float, *, signed: bool = False) -> float | None:
        value = self._sysfs.number(file)
        if isinstance(value, Failed):
            return None
        number = (abs(value) if signed else value) * unit
        return number if 0 <= number <= most else None


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else min(part / whole, 1.0)


def _on_mains(stores: list[_Store], mains: list[bool]) -> bool | None:
    """What a mains input says, or else what the batteries do. None = nobody says."""
    states = {store.status for store in stores}
    if any(mains):
        return True
    if "Discharging" in states:
        return False
    if "Charging" in states:
        return True
    if mains:
        return False
    return True if states <= FED else None


def _together(stores: list[_Store], on_mains: bool) -> BatteryReading:
    """By energy where all tell it; else the emptiest one counts, and the whole capacity is not known."""
    parts = [store.wh for store in stores if store.wh is not None]
    wholes = [store.capacity_wh for store in stores if store.capacity_wh is not None]
    drawn = [store.power_w for store in stores if store.power_w is not None and store.status == "Discharging"]
    capacity_wh = sum(wholes) if len(wholes) == len(stores) else None
    if capacity_wh is not None and len(parts) == len(stores) and len(stores) > 1:
        charge = _share(sum(parts), capacity_wh)
    else:
        charge = min((store.charge for store in stores if store.charge is not None), default=None)
    runtime_s = stores[0].runtime_s if len(stores) == 1 else None
    return BatteryReading(on_mains, charge, sum(drawn) if drawn and not on_mains else None, capacity_wh, runtime_s)
