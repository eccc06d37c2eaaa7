# SPDX-License-Identifier: Apache-2.0
"""What a profile says of power adapters: `[adapters.NAME]`, and which of them does what for a host."""

from __future__ import annotations

from typing import Any

from agent.profile.base import Table

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
