# SPDX-License-Identifier: Apache-2.0
"""The rules of an emergency off, from the profile: what the line engine does to each domain at one order. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.emergency import EmergencyRule
from native import HoldOff, LatchLevel
from native.capacity import MAX_ACTIONS, MAX_INTERLOCKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.schema import Profile


def emergency_rules(profile: Profile) -> tuple[EmergencyRule, ...]:
    """One rule per domain, as many as the engine takes beside the profile's interlocks; hosts first.

    What has no rule (a line on a slow chip, a host without a button) is forced off by the power manager instead.
    """
    return tuple(_rules(profile))[: max(0, MAX_INTERLOCKS - len(profile.interlocks))]


def _rules(profile: Profile) -> Iterator[EmergencyRule]:
    for host in profile.hosts:
        if host.power_button and host.power_good and not _slow(profile, host.power_button):
            yield EmergencyRule(host.name, HoldOff(host.power_button, host.power_good))
    for table in profile.domains:
        quick = [name for name in table.controls if not _slow(profile, name)]
        if table.emergency_off and quick == list(table.controls) and len(quick) <= MAX_ACTIONS:
            yield EmergencyRule(table.name, latches=tuple(LatchLevel(name, False) for name in quick))


def _slow(profile: Profile, line: str) -> bool:
    chip = profile.chips.get(profile.lines[line].chip)
    return chip is not None and chip.slow
