# SPDX-License-Identifier: Apache-2.0
"""Power from RAPL's energy counters: the mean since the reading before. The counters wrap; resets are told from that.

Since kernel 5.10 only root may read them (CVE-2020-8694).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.meters.interface import NoReading, Quantity, Reading
from agent.energy.rapl import Domain, zones
from agent.energy.sysfs import Failed

if TYPE_CHECKING:
    from agent.energy.sysfs import Sysfs

MOST_W = 2000.0
"""No package draws more: a counter that says so was set back. It also says how long a counter cannot wrap twice."""
LEAST_NS = 10_000_000
"""Counters move once a millisecond: over less than this the mean is mostly noise."""
NS_PER_S = 1_000_000_000
UJ_PER_J = 1_000_000


@dataclass(frozen=True, slots=True)
class Count:
    """A counter in microjoules, and where it wraps."""

    energy_uj: int
    range_uj: int
    at_ns: int


def mean_w(before: Count, now: Count) -> float | None:
    """Mean power between two counts; None where the counter may have wrapped twice, or was set back."""
    elapsed_s = (now.at_ns - before.at_ns) / NS_PER_S
    if elapsed_s <= 0 or now.range_uj != before.range_uj or elapsed_s * MOST_W * UJ_PER_J >= now.range_uj:
        return None
    used_uj = now.energy_uj - before.energy_uj
    if used_uj < 0:
        used_uj += now.range_uj
    watts = used_uj / UJ_PER_J / elapsed_s
    return watts if 0 <= watts <= MOST_W else None


class RaplMeter:
    """Implements Meter: the sum of all zones of a domain; a package's MMIO twin counts the same energy."""

    def __init__(self, sysfs: Sysfs, domain: Domain = Domain.PACKAGE) -> None:
        self.name = f"rapl {domain.value}"
        self.quantity = Quantity.CPU_W if domain is Domain.PACKAGE else Quantity.NODE_W
        self._sysfs = sysfs
        self._domain = domain
        self._before: dict[str, Count] = {}
        self._last: Reading | None = None

    def read(self, now_ns: int) -> Reading | NoReading:
        if self._last is not None and 0 <= now_ns - self._last.at_ns < LEAST_NS:
            return self._last
        self._last = None
        counts = self._counts(now_ns)
        if isinstance(counts, Failed):
            self._before = {}
            return NoReading(self.name, counts.reason)
        before, self._before = self._before, counts
        if not counts:
            return NoReading(self.name, f"{self._sysfs.root}/class/powercap has no {self._domain.value} zone")
        if before.keys() != counts.keys():
            return NoReading(self.name, "a power is known after a second reading")
        watts = [mean_w(before[name], count) for name, count in counts.items()]
        known = [value for value in watts if value is not None]
        if len(known) < len(watts):
            return NoReading(self.name, "a counter was set back, or not read for too long")
        self._last = Reading(self.quantity, sum(known), self.name, False, now_ns)
        return self._last

    def _counts(self, now_ns: int) -> dict[str, Count] | Failed:
        counts: dict[str, Count] = {}
        for zone in sorted(zones(self._sysfs, self._domain), key=lambda one: one.mmio):
            if zone.name in counts:
                continue
            energy = self._sysfs.number(f"{zone.folder}/energy_uj")
            largest = self._sysfs.number(f"{zone.folder}/max_energy_range_uj")
            for value in (energy, largest):
                if isinstance(value, Failed):
                    return value
            assert isinstance(energy, int)
            assert isinstance(largest, int)
            counts[zone.name] = Count(energy, largest, now_ns)
        return counts
