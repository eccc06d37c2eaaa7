# SPDX-License-Identifier: Apache-2.0
"""Actuator `powercap`: RAPL's long-term limit of each processor package.

Each package gets its share of the cap; the short-term limit, the time windows and the limits of cores and memory stay
as the firmware chose them. What counts is what is read back: firmware may lock a limit, or clamp it without a word.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.actuators.faults import not_a_cap, not_applied
from agent.energy.actuators.interface import Answer, Applied
from agent.energy.rapl import UW_PER_W, Constraint, Domain, Zone, zones
from agent.energy.sysfs import Failed, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.sysfs import Sysfs

LONG_TERM = "long_term"
GRAIN_W = 0.25
"""Hardware counts in eighths of a watt: a limit that close is the one that was asked for."""
OURS = re.compile(r"class/powercap/[a-z0-9-]+(:[0-9]+)+/(constraint_[0-9]+_power_limit_uw|enabled)")
"""What `save` tells of, and `restore` may write."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package's limits: the processor's own, and its MMIO twin where the firmware has one."""

    name: str
    limits: tuple[Constraint, ...]
    zones: tuple[Zone, ...]


class Powercap:
    """Implements CapActuator."""

    name = "powercap"

    def __init__(self, sysfs: Sysfs, cpu_share: float = 1.0, domain: Domain = Domain.PACKAGE) -> None:
        """`cpu_share` is the part of the machine's power that its packages draw, 0 to 1. Raises ValueError."""
        if not 0 < cpu_share <= 1:
            raise ValueError(f"cpu_share: above 0, at most 1 (not {cpu_share})")
        self._sysfs = sysfs
        self._share = cpu_share
        self._domain = domain

    def range_w(self) -> tuple[float, float] | None:
        packages = self._packages()
        least = [self._bound(package, largest=False) or 0.0 for package in packages]
        most = [self._bound(package, largest=True) for package in packages]
        known = [watts for watts in most if watts is not None]
        if not known or len(known) < len(packages):
            return None
        return sum(least) / self._share, sum(known) / self._share

    def save(self) -> Mapping[str, str]:
        """The value of every file that `apply` may write."""
        saved: dict[str, str] = {}
        for package in self._packages():
            for file in (
                *(limit.limit_file for limit in package.limits),
                *(zone.enabled_file for zone in package.zones),
            ):
                value = self._sysfs.number(file)
                if not isinstance(value, Failed):
                    saved[file] = str(value)
        return saved

    def apply(self, cap_w: float) -> Applied:
        packages = self._packages()
        if not packages:
            return Applied(Answer.ABSENT, cap_w, None, self._nothing())
        if not (math.isfinite(cap_w) and cap_w > 0):
            return not_a_cap(cap_w)
        failed: Failed | None = None
        in_force_w = 0.0
        for package, part in zip(packages, self._parts(packages), strict=True):
            answer = self._limit(package, cap_w * self._share * part)
            if isinstance(answer, Failed):
                failed = failed or answer
            else:
                in_force_w += answer
        if failed is not None:
            return not_applied(cap_w, failed)
        in_force_w /= self._share
        if abs(in_force_w - cap_w) <= GRAIN_W * len(packages) / self._share:
            return Applied(Answer.DONE, cap_w, in_force_w)
        why = f"the firmware keeps {in_force_w:g} W instead of {cap_w:g} W"
        return Applied(Answer.CLAMPED, cap_w, in_force_w, why)

    def restore(self, saved: Mapping[str, str]) -> tuple[Applied, ...]:
        """Limits first, then whether they are enabled: a zone is never enabled with a limit of ours."""
        order = sorted(saved, key=lambda file: file.endswith("/enabled"))
        return tuple(self._put_back(file, saved[file]) for file in order)

    def _put_back(self, file: str, text: str) -> Applied:
        """A file that is as it was is left alone: a locked one would refuse even that."""
        if not (OURS.fullmatch(file) and text.isdecimal()):
            return Applied(Answer.REFUSED, 0.0, None, f"{file} = {text!r} is nothing that was saved")
        wanted, is_limit = int(text), not file.endswith("/enabled")
        wanted_w = wanted / UW_PER_W if is_limit else 0.0
        failed = None if self._sysfs.number(file) == wanted else self._sysfs.write(file, wanted)
        found = self._sysfs.number(file)
        if failed is None and not isinstance(found, Failed):
            if abs(found - wanted) <= GRAIN_W * UW_PER_W * is_limit:
                return Applied(Answer.DONE, wanted_w, wanted_w)
            return Applied(Answer.CLAMPED, wanted_w, found / UW_PER_W, f"{file} reads {found} instead of {wanted}")
        why = failed if failed is not None else found
        assert isinstance(why, Failed)
        return not_applied(wanted_w, why)

    def _limit(self, package: Package, watts: float) -> float | Failed:
        """Set one package; what is in force, in watts. The twin is written only where the processor's own is locked."""
        microwatts = round(watts * UW_PER_W)
        locked: Failed | None = None
        for limit, zone in zip(package.limits, package.zones, strict=True):
            failed = self._write(limit, zone, microwatts)
            if failed is None:
                return self._in_force(package)
            locked = locked or failed
        assert locked is not None
        return locked

    def _write(self, limit: Constraint, zone: Zone, microwatts: int) -> Failed | None:
        """Nothing that cannot be read is written: it could not be put back."""
        before, enabled = self._sysfs.number(limit.limit_file), self._sysfs.number(zone.enabled_file)
        if isinstance(before, Failed):
            return before
        if before != microwatts:
            failed = self._sysfs.write(limit.limit_file, microwatts)
            if failed is not None:
                return failed
        if enabled == 0:
            return self._sysfs.write(zone.enabled_file, 1)
        return None

    def _in_force(self, package: Package) -> float | Failed:
        """The lower of the limits that are enabled."""
        found: list[int] = []
        for limit, zone in zip(package.limits, package.zones, strict=True):
            if self._sysfs.number(zone.enabled_file) == 0:
                continue
            value = self._sysfs.number(limit.limit_file)
            if isinstance(value, Failed):
                return value
            found.append(value)
        if not found:
            return Failed(Fault.REFUSED, f"{package.name}: its limits stay disabled; the firmware does not allow them")
        return min(found) / UW_PER_W

    def _packages(self) -> tuple[Package, ...]:
        """Those that can be limited; the processor's own zone before its twin."""
        by_name: dict[str, list[tuple[Zone, Constraint]]] = {}
        for zone in sorted(zones(self._sysfs, self._domain), key=lambda one: one.mmio):
            limit = zone.constraint(LONG_TERM)
            if limit is not None:
                by_name.setdefault(zone.name, []).append((zone, limit))
        return tuple(
            Package(name, tuple(limit for _, limit in pairs), tuple(zone for zone, _ in pairs))
            for name, pairs in by_name.items()
        )

    def _parts(self, packages: tuple[Package, ...]) -> tuple[float, ...]:
        """How the cap is split: by what each package may draw at most; evenly, unless all of them tell."""
        most = [self._bound(package, largest=True) or 0.0 for package in packages]
        total = sum(most)
        if min(most) <= 0:
            return tuple(1 / len(packages) for _ in packages)
        return tuple(watts / total for watts in most)

    def _bound(self, package: Package, *, largest: bool) -> float | None:
        limit = package.limits[0]
        value = self._sysfs.number(limit.max_file if largest else limit.min_file)
        return None if isinstance(value, Failed) or value <= 0 else value / UW_PER_W

    def _nothing(self) -> str:
        folder = self._sysfs.root / "class/powercap"
        if zones(self._sysfs, self._domain):
            return f"{folder}: this processor counts its energy and takes no limit; use the actuator cpufreq"
        return f"{folder}: no {self._domain.value} zone (modprobe intel_rapl_msr; or use the actuator cpufreq)"
