# SPDX-License-Identifier: Apache-2.0
"""The frequency policies of /sys/devices/system/cpu/cpufreq: what each can do, and its files.

Source: Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst and amd-pstate.rst of the kernel (kHz).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.sysfs import Failed

if TYPE_CHECKING:
    from agent.energy.sysfs import Sysfs

CPU = "devices/system/cpu"
BOOST = f"{CPU}/cpufreq/boost"
NO_TURBO = f"{CPU}/intel_pstate/no_turbo"
"""Intel's own switch, which says the opposite: 1 = no boost."""


@dataclass(frozen=True, slots=True)
class FrequencyPolicy:
    """Processors that change their frequency together."""

    folder: str
    slowest_khz: int
    fastest_khz: int
    steps_khz: tuple[int, ...]
    """Ascending; empty where the driver takes any frequency."""
    governors: tuple[str, ...]
    preferences: tuple[str, ...]
    """What energy_performance_preference takes; empty where the driver has none."""

    @property
    def max_file(self) -> str:
        return f"{self.folder}/scaling_max_freq"

    @property
    def min_file(self) -> str:
        return f"{self.folder}/scaling_min_freq"

    @property
    def governor_file(self) -> str:
        return f"{self.folder}/scaling_governor"

    @property
    def preference_file(self) -> str:
        return f"{self.folder}/energy_performance_preference"

    def at_most(self, khz: float) -> int:
        """The fastest frequency that is not above `khz`; the slowest one where all are."""
        wanted = min(max(int(khz), self.slowest_khz), self.fastest_khz)
        below = [step for step in self.steps_khz if step <= wanted]
        return max(below) if below else (self.steps_khz[0] if self.steps_khz else wanted)


def policies(sysfs: Sysfs) -> tuple[FrequencyPolicy, ...]:
    """Every policy that tells its slowest and its fastest frequency."""
    found = []
    for name in sysfs.names(f"{CPU}/cpufreq", "policy*"):
        folder = f"{CPU}/cpufreq/{name}"
        slowest, fastest = sysfs.number(f"{folder}/cpuinfo_min_freq"), sysfs.number(f"{folder}/cpuinfo_max_freq")
        if isinstance(slowest, Failed) or isinstance(fastest, Failed) or not 0 < slowest <= fastest:
            continue
        steps = tuple(
            sorted(int(word) for word in _words(sysfs, folder, "scaling_available_frequencies") if _khz(word))
        )
        found.append(
            FrequencyPolicy(
                folder,
                slowest,
                fastest,
                tuple(step for step in steps if slowest <= step <= fastest),
                _words(sysfs, folder, "scaling_available_governors"),
                _words(sysfs, folder, "energy_performance_available_preferences"),
            )
        )
    return tuple(found)


def _words(sysfs: Sysfs, folder: str, name: str) -> tuple[str, ...]:
    words = sysfs.words(f"{folder}/{name}")
    return () if isinstance(words, Failed) else words


def _khz(word: str) -> bool:
    return word.isdecimal() and len(word) < 12
