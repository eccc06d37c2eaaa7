# SPDX-License-Identifier: Apache-2.0
"""How a host is wired, for `pgood wire`: names, places and press times, as a JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.profile.place import place

if TYPE_CHECKING:
    from agent.profile.schema import Profile


def wiring_document(profile: Profile, name: str, armed: bool) -> dict[str, object] | None:
    """None: there is no such host."""
    for host in profile.hosts:
        if host.name == name:
            return {
                "host": name,
                "armed": armed,
                "power_good": host.power_good,
                "power_good_at": place(profile, profile.lines[host.power_good]),
                "led": profile.lines[host.power_good].source == "led",
                "power_button": host.power_button,
                "power_button_at": place(profile, profile.lines[host.power_button]) if host.power_button else "",
                "power_press_ms": host.timing.power_press_ms,
                "power_on_timeout_ms": host.timing.power_on_timeout_ms,
                "soft_off_timeout_ms": host.timing.soft_off_timeout_ms,
            }
    return None
