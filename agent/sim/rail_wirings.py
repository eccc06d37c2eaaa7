# SPDX-License-Identifier: Apache-2.0
"""How the simulated world wires the domains of a profile: a rail per control, chassis domains feed what needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.sim.rail import RailWiring

if TYPE_CHECKING:
    from agent.profile.schema import Profile


def rail_wirings(profile: Profile) -> tuple[RailWiring, ...]:
    """The first control of a domain makes the rail of its name; further ones are `NAME.2`, `NAME.3` ..."""
    needs = {table.name: table.needs for table in profile.domains}
    wirings: list[RailWiring] = []
    for table in profile.domains:
        feeds = tuple(host.name for host in profile.hosts if _rests_on(host.name, table.name, needs))
        for number, control in enumerate(table.controls, 1):
            name = table.name if number == 1 else f"{table.name}.{number}"
            good = table.power_good[number - 1] if number <= len(table.power_good) else ""
            wirings.append(RailWiring(name, control, good, feeds if table.type == "chassis" else ()))
    return tuple(wirings)


def _rests_on(name: str, need: str, needs: dict[str, tuple[str, ...]]) -> bool:
    return any(one == need or _rests_on(one, need, needs) for one in needs.get(name, ()))
