# SPDX-License-Identifier: Apache-2.0
"""Power domains in a profile: rails and other things that hosts need, and what hosts need of them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent.profile.base import Name, Table

DelayMs = Annotated[int, msgspec.Meta(ge=0, le=600_000)]
RiseMs = Annotated[int, msgspec.Meta(ge=10, le=600_000)]
DomainWatts = Annotated[float, msgspec.Meta(gt=0, le=100_000)]


class DomainTable(Table, frozen=True):
    """A chassis or auxiliary domain; or, with type = "host", what the host of that name needs and draws.

    A host without a table is a domain of its own that needs nothing.
    """

    name: Name
    type: Literal["chassis", "host", "aux"] = "aux"
    controls: tuple[str, ...] = ()
    """Maintained output lines: raised in this order, lowered in reverse."""
    power_good: tuple[str, ...] = ()
    """Input lines that are all active while the domain is on; none = the level of the controls counts."""
    adapter: str = ""
    """Instead of lines: an adapter of [adapters] that can switch on and off."""
    needs: tuple[str, ...] = ()
    """Domains that must be on before this one and as long as it is on."""
    start_delay_ms: DelayMs = 0
    stop_delay_ms: DelayMs = 0
    power_good_ms: RiseMs | None = None
    """Power-good must follow the controls within this; as the policy says, unless given."""
    watts: DomainWatts | None = None
    """What it draws at most; what starts must fit into what the supplies have to spare."""
    emergency_off: bool = False
    """An emergency lowers the controls at the same instant as it holds the hosts' power buttons."""
