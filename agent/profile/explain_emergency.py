# SPDX-License-Identifier: Apache-2.0
"""What an emergency off does to each host and domain of a profile, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from agent.profile.domain_tables import DomainTable
    from agent.profile.schema import HostTable, Profile


def explain_emergency(profile: Profile, at_once: Collection[str]) -> Iterator[str]:
    """`at_once`: hosts and domains for which the line engine has a rule; of the others it says why they have none."""
    held = [host.name for host in profile.hosts if host.name in at_once]
    lowered = [table for table in profile.domains if table.name in at_once and table.type != "host"]
    does = [f"the power button of each of these hosts that is on is held: {', '.join(held)}"] if held else []
    does += [f"{', '.join(table.controls)} of domain {table.name} is driven to off" for table in lowered]
    if does:
        yield f"by one order to the line engine, all at once: {'; '.join(does)}"
    for host in profile.hosts:
        if host.name not in at_once:
            yield f"host {host.name} is not cut by that order: {_why_not(profile, host)}"
    for table in profile.domains:
        if table.type != "host" and table.name not in at_once:
            yield f"domain {table.name} stays as it is: {_why_kept(profile, table)}"


def _why_not(profile: Profile, host: HostTable) -> str:
    after = "the agent forces it off right after"
    if host.controls is not None and host.controls.off and not (host.power_button and host.power_good):
        return f"its off is the adapter {host.controls.off}; {after}, as fast as that is"
    if not host.power_button:
        return "it has no power_button; nothing can force it off"
    if not host.power_good:
        return f"it has no power_good line for the engine to look at; {after}"
    if _slow(profile, host.power_button):
        return f"{host.power_button} is on a slow chip; {after}"
    return f"the line engine has no room for another rule; {after}"


def _why_kept(profile: Profile, table: DomainTable) -> str:
    if not table.emergency_off:
        return "it does not say emergency_off"
    slow = [name for name in table.controls if _slow(profile, name)]
    why = f"{', '.join(slow)} is on a slow chip" if slow else "the line engine has no room for another rule"
    return f"it says emergency_off, but {why}"


def _slow(profile: Profile, line: str) -> bool:
    chip = profile.chips.get(profile.lines[line].chip)
    return chip is not None and chip.slow
