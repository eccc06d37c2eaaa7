# SPDX-License-Identifier: Apache-2.0
"""The front panels of a board's hosts, made from its profile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.power.front_panel import FrontPanel, PanelButton, Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.power.host import Host
    from agent.power.manager import PowerManager
    from agent.profile.schema import HostTable, Profile
    from agent.store.settings import Settings


def front_panels(
    profile: Profile,
    hosts: Mapping[str, Host],
    manager: PowerManager,
    settings: Settings,
    emit: Callable[..., object],
) -> dict[str, FrontPanel]:
    """By host; one without button lines has an empty panel."""
    loop = asyncio.get_running_loop()
    return {
        table.name: FrontPanel(
            hosts[table.name], Wiring(table.front_panel), _lines(table), manager, settings, loop, emit
        )
        for table in profile.hosts
    }


def panel_lines(profile: Profile, panels: Mapping[str, FrontPanel]) -> dict[str, tuple[FrontPanel, PanelButton]]:
    """Whose button a line is."""
    return {line: (panels[table.name], button) for table in profile.hosts for button, line in _lines(table).items()}


def _lines(table: HostTable) -> dict[PanelButton, str]:
    lines = {PanelButton.POWER: table.front_power_button, PanelButton.RESET: table.front_reset_button}
    return {button: line for button, line in lines.items() if line}
