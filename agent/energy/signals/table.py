# SPDX-License-Identifier: Apache-2.0
"""`[energy.signals.NAME]`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from agent.profile.base import Table


class SignalTable(Table, frozen=True):
    """One signal: its kind, its time zone, and what the kind asks for."""

    kind: str
    zone: str = "Europe/Paris"
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    max_stale_h: Annotated[float, msgspec.Meta(ge=0, le=24 * 14)] = 24.0
