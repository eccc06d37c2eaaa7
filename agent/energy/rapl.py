# SPDX-License-Identifier: Apache-2.0
"""The zones of /sys/class/powercap: found and chosen by their `name` files, never by their numbers.

Source: Documentation/power/powercap/powercap.rst and Documentation/ABI/testing/sysfs-class-powercap of the kernel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from agent.energy.sysfs import Failed

if TYPE_CHECKING:
    from agent.energy.sysfs import Sysfs

FOLDER = "class/powercap"
MMIO = "intel-rapl-mmio"
"""A second control type for the same packages; the lower of the two limits wins."""
UW_PER_W = 1_000_000


class Domain(Enum):
    """What a zone covers."""

    PACKAGE = "package"
    """One processor package."""
    PSYS = "psys"
    """The whole platform, where the maker has wired it up."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One limit of a zone, over its time window."""

    name: str
    """long_term, short_term or peak_power."""
    zone: str
    number: int

    @property
    def limit_file(self) -> str:
        return f"{self.zone}/constraint_{self.number}_power_limit_uw"

    @property
    def max_file(self) -> str:
        return f"{self.zone}/constraint_{self.number}_max_power_uw"

    @property
    def min_file(self) -> str:
        return f"{self.zone}/constraint_{self.number}_min_power_uw"


@dataclass(frozen=True, slots=True)
class Zone:
    """A power zone; `name` is what its driver calls it, such as `package-0`."""

    folder: str
    name: str
    constraints: tuple[Constraint, ...]

    @property
    def mmio(self) -> bool:
        return self.folder.startswith(f"{FOLDER}/{MMIO}:")

    @property
    def enabled_file(self) -> str:
        return f"{self.folder}/enabled"

    def constraint(self, name: str) -> Constraint | None:
        return next((one for one in self.constraints if one.name == name), None)


def zones(sysfs: Sysfs, domain: Domain) -> tuple[Zone, ...]:
    """Of one domain, the MMIO twins included; none where the kernel offers nothing."""
    found = []
    for entry in sysfs.names(FOLDER, "*:*"):
        folder = f"{FOLDER}/{entry}"
        name = sysfs.text(f"{folder}/name")
        if isinstance(name, Failed) or not re.fullmatch(rf"{domain.value}(-.*)?", name):
            continue
        found.append(Zone(folder, name, _constraints(sysfs, folder)))
    return tuple(found)


def _constraints(sysfs: Sysfs, folder: str) -> tuple[Constraint, ...]:
    found = []
    for file in sysfs.names(folder, "constraint_*_name"):
        number, name = file.split("_")[1], sysfs.text(f"{folder}/{file}")
        if number.isdecimal() and not isinstance(name, Failed):
            found.append(Constraint(name, folder, int(number)))
    return tuple(found)
