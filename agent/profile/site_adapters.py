# SPDX-License-Identifier: Apache-2.0
"""Adapters of a profile with what the site file says of them: addresses, users and password files are site data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.profile.adapter_tables import AdapterTable
    from agent.profile.schema import Profile


def with_site_adapters(profile: Profile, site: Mapping[str, AdapterTable]) -> Profile:
    """The profile with what the site file says of adapters: its keys win, one by one."""
    names = dict.fromkeys((*profile.adapters, *site))
    merged = {name: profile.adapters.get(name, {}) | site.get(name, {}) for name in names}
    return msgspec.structs.replace(profile, adapters=merged)
