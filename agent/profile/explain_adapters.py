# SPDX-License-Identifier: Apache-2.0
"""The adapters of a profile in words: of what kind they are, and who uses them for what. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.profile.explain_hosts import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.schema import Profile


def explain_adapters(profile: Profile) -> Iterator[str]:
    """One line each. Options are left out: they may be those of one installation."""
    for name, options in profile.adapters.items():
        uses = list(_uses(profile, name))
        kind = options.get("kind", "its kind comes from the site file")
        yield f"{name} ({kind}): {'; '.join(uses) or 'nobody uses it'}"


def _uses(profile: Profile, name: str) -> Iterator[str]:
    for host in profile.hosts:
        if host.controls is not None and (
            does := [what for key, what in CONTROLS if getattr(host.controls, key) == name]
        ):
            yield f"host {host.name}: {', '.join(does)}"
    for table in profile.domains:
        if table.adapter == name:
            yield f"domain {table.name}: on, off, whether it is on"
    for sensor in profile.sensors:
        if sensor.bmc == name:
            yield f"sensor {sensor.name}: {sensor.remote_sensor}"
