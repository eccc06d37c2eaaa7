# SPDX-License-Identifier: Apache-2.0
"""What a profile says of power adapters: `[adapters.NAME]`, and which of them does what for a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.profile.base import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.profile.schema import Profile

GPIO = "gpio"
"""In controls: the host's own lines."""

AdapterTable = dict[str, Any]
"""`kind` and the options of that kind, which the kind itself describes."""


class ControlsTable(Table, frozen=True):
    """For each ability of a host the name of an adapter, or `gpio`; empty = the host cannot do it."""

    sense: str
    on: str = ""
    off: str = ""
    soft_off: str = ""
    reset: str = ""
    nmi: str = ""


def with_site_adapters(profile: Profile, site: Mapping[str, AdapterTable]) -> Profile:
    """The profile with what the site file says of adapters: its keys win, one by one."""
    names = dict.fromkeys((*profile.adapters, *site))
    merged = {name: profile.adapters.get(name, {}) | site.get(name, {}) for name in names}
    return msgspec.structs.replace(profile, adapters=merged)
