# SPDX-License-Identifier: Apache-2.0
"""Actuator `cpufreq`: a cap by the highest frequency, for machines whose processors take no limit in watts.

A curve says which frequency draws how much. The governor, the energy preference and boost can be chosen as well, and
all of it is given back as it was found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.energy.actuators.faults import not_a_cap, not_applied
from agent.energy.actuators.interface import Answer, Applied
from agent.energy.frequency.cpufreq import BOOST, NO_TURBO, policies
from agent.energy.frequency.governor import Wish, governor, preference
from agent.energy.frequency.power_curve import PowerCurve, through
from agent.energy.sysfs import Failed, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.frequency.cpufreq import FrequencyPolicy
    from agent.energy.sysfs import Sysfs

KHZ_PER_GHZ = 1e6
OURS = re.compile(
    r"devices/system/cpu/(cpufreq/boost|intel_pstate/no_turbo|cpufreq/policy[0-9]+/"
    r"(scaling_(min|max)_freq|scaling_governor|energy_performance_preference))"
)
"""What `save` tells of, and `restore` may write."""
VALUE = re.compile(r"[a-z0-9_]{1,32}")
GRAIN = 0.02
"""Drivers round to their own steps: a frequency that close is the one that was asked for."""


class Cpufreq:
    """Implements CapActuator, and sets what a kind of work wishes."""

    name = "cpufreq"

    def __init__(self, sysfs: Sysfs, slowest_w: float, fastest_w: float) -> None:
        """What the machine draws under full load at its slowest and at its fastest frequency. Raises ValueError."""
        if not 0 < slowest_w < fastest_w < float("inf"):
            raise ValueError(f"0 < slowest_w < fastest_w is to hold (not {slowest_w:g} and {fastest_w:g})")
        self._sysfs = sysfs
        self._ends_w = (slowest_w, fastest_w)

    # ------------------------------------------------------------------ CapActuator

    def range_w(self) -> tuple[float, float] | None:
        return self._ends_w if policies(self._sysfs) else None

    def save(self) -> Mapping[str, str]:
        saved: dict[str, str] = {}
        for file in (BOOST, NO_TURBO, *(file for policy in policies(self._sysfs) for file in _files(policy))):
            text = self._sysfs.text(file)
            if not isinstance(text, Failed) and VALUE.fullmatch(text):
                saved[file] = text
        return saved

    def apply(self, cap_w: float) -> Applied:
        found = policies(self._sysfs)
        if not found:
            return Applied(Answer.ABSENT, cap_w, None, self._nothing())
        if not 0 < cap_w < float("inf"):
            return not_a_cap(cap_w)
        curve = self.curve()
        if curve is None:
            return Applied(Answer.ABSENT, cap_w, None, "the processors have one frequency only")
        fastest_ghz = max(policy.fastest_khz for policy in found) / KHZ_PER_GHZ
        part, kept, why = curve.ghz(cap_w) / fastest_ghz, 0.0, ""
        failed: Failed | None = None
        for policy in found:  # whatever one of them answers, the others are slowed
            target_khz = policy.at_most(part * policy.fastest_khz)
            now_khz = self._limit(policy, target_khz)
            if isinstance(now_khz, Failed):
                failed = failed or now_khz
                continue
            kept = max(kept, now_khz / policy.fastest_khz)
            if now_khz > target_khz * (1 + GRAIN):
                why = f"{self._sysfs.root / policy.max_file} reads {now_khz} instead of {target_khz} kHz"
        if failed is not None:
            return not_applied(cap_w, failed)
        in_force_w = curve.watts(kept * fastest_ghz)
        if not why and in_force_w > cap_w * (1 + GRAIN):
            why = f"the slowest frequency draws {in_force_w:.0f} W"
        return Applied(Answer.CLAMPED if why else Answer.DONE, cap_w, in_force_w, why)

    def restore(self, saved: Mapping[str, str]) -> tuple[Applied, ...]:
        """Boost before the highest frequencies, which it may allow; the governor before its preference."""
        bad = tuple(
            Applied(Answer.REFUSED, 0.0, None, f"{file} = {text!r} is nothing that was saved")
            for file, text in saved.items()
            if not (OURS.fullmatch(file) and VALUE.fullmatch(text))
        )
        if bad:
            return bad
        answers = [self._put_back(file, saved[file]) for file in (BOOST, NO_TURBO) if file in saved]
        for folder in dict.fromkeys(file.rpartition("/")[0] for file in saved if "/policy" in file):
            answers.extend(self._policy_back(folder, saved))
        return tuple(answers)

    # ------------------------------------------------------------------ beside the cap

    def curve(self) -> PowerCurve | None:
        """Power by the frequency of the fastest processors; None where there is only one frequency, or none."""
        found = policies(self._sysfs)
        if not found:
            return None
        fastest = max(found, key=lambda policy: policy.fastest_khz)
        if fastest.slowest_khz == fastest.fastest_khz:
            return None
        ends_ghz = (fastest.slowest_khz / KHZ_PER_GHZ, fastest.fastest_khz / KHZ_PER_GHZ)
        return through((ends_ghz[0], self._ends_w[0]), (ends_ghz[1], self._ends_w[1]))

    def optimal_w(self) -> float | None:
        """The cap under which work costs the least energy; None where it is not known."""
        curve = self.curve()
        return None if curve is None else min(max(curve.watts(curve.optimal_ghz), self._ends_w[0]), self._ends_w[1])

    def wish(self, wish: Wish) -> tuple[Failed, ...]:
        """Governor and energy preference of every policy; what failed. What a driver does not have stays."""
        failed: list[Failed | None] = []
        for policy in policies(self._sysfs):
            chosen = governor(wish, policy.governors)
            if chosen is not None:
                failed.append(self._set(policy.governor_file, chosen))
            wanted = preference(wish, policy.preferences, chosen)
            if wanted is not None:
                failed.append(self._set(policy.preference_file, wanted))
        return tuple(one for one in failed if one is not None)

    def boost(self, allowed: bool) -> Failed | None:
        """Let processors run above their nominal frequency, or not."""
        for file, value in ((NO_TURBO, int(not allowed)), (BOOST, int(allowed))):
            if self._sysfs.exists(file):
                return self._set(file, str(value))
        return Failed(Fault.ABSENT, f"{self._sysfs.root / BOOST}: these processors have no boost to switch")

    def boost_allowed(self) -> bool | None:
        """None where there is no switch for it."""
        no_turbo, boost = self._sysfs.number(NO_TURBO), self._sysfs.number(BOOST)
        if not isinstance(no_turbo, Failed):
            return no_turbo == 0
        return None if isinstance(boost, Failed) else boost == 1

    def now_ghz(self) -> float | None:
        """The highest frequency of now; None where none is told."""
        found = [self._sysfs.number(f"{policy.folder}/scaling_cur_freq") for policy in policies(self._sysfs)]
        known = [khz for khz in found if not isinstance(khz, Failed)]
        return max(known) / KHZ_PER_GHZ if known else None

    # ------------------------------------------------------------------ inside

    def _limit(self, policy: FrequencyPolicy, khz: int) -> int | Failed:
        """What is in force. Lowering: the least first, else it would be above the highest, which is refused."""
        least = self._sysfs.number(policy.min_file)
        if isinstance(least, Failed):
            return least
        failed = self._sysfs.write(policy.min_file, khz) if least > khz else None
        return failed or self._sysfs.write(policy.max_file, khz) or self._sysfs.number(policy.max_file)

    def _set(self, file: str, text: str) -> Failed | None:
        """Write and read back."""
        if self._sysfs.text(file) == text:
            return None
        failed = self._sysfs.write(file, text)
        found = self._sysfs.text(file)
        if failed is not None or found == text:
            return failed
        return Failed(Fault.REFUSED, f"{self._sysfs.root / file} stays {found!r} instead of {text!r}")

    def _policy_back(self, folder: str, saved: Mapping[str, str]) -> list[Applied]:
        """Our highest frequency is at most the one that was found, so that it goes back first."""
        names = ("scaling_governor", "energy_performance_preference", "scaling_max_freq", "scaling_min_freq")
        files = [f"{folder}/{name}" for name in names if f"{folder}/{name}" in saved]
        if saved.get(f"{folder}/scaling_governor") == "performance":
            files = [file for file in files if not file.endswith("_preference")]  # the kernel sets its own
        return [self._put_back(file, saved[file]) for file in files]

    def _put_back(self, file: str, text: str) -> Applied:
        failed = self._set(file, text)
        if failed is None:
            return Applied(Answer.DONE, 0.0, None)
        return not_applied(0.0, failed)

    def _nothing(self) -> str:
        folder = self._sysfs.root / "devices/system/cpu/cpufreq"
        return f"{folder}: no policy; a virtual machine has none, else load the processor's cpufreq driver"


def _files(policy: FrequencyPolicy) -> tuple[str, ...]:
    return (policy.min_file, policy.max_file, policy.governor_file, policy.preference_file)
