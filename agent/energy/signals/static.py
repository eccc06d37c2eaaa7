# SPDX-License-Identifier: Apache-2.0
"""A value that never changes: for tariffs without times, and for trying things out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.energy.signals.interface import SignalDay, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind, SignalOptions
from agent.energy.signals.points import MAX_VALUE
from agent.energy.slots import QUARTER_S, quarters

if TYPE_CHECKING:
    import datetime

    from agent.energy.signals.kind import Around

Value = Annotated[float, msgspec.Meta(ge=-MAX_VALUE, le=MAX_VALUE)]


class StaticOptions(SignalOptions, frozen=True, kw_only=True):
    """`value` in `unit`."""

    value: Value
    unit: SignalUnit = SignalUnit.EUR_PER_MWH


class StaticSource:
    """Implements SignalSource: the same value in each quarter."""

    step_s = QUARTER_S
    ahead = True

    def __init__(self, options: StaticOptions, around: Around) -> None:
        self.name, self.zone, self.unit = around.name, around.zone, options.unit
        self.origin = f"static {options.value:g}"
        self._value = options.value

    async def fetch(self, day: datetime.date) -> SignalDay:
        slots = quarters(day, self.zone)
        return day_said(self, tuple(SignalPoint(slot.start_utc_s, slot.duration_s, self._value) for slot in slots))


KIND = SignalKind("one value that never changes", StaticOptions, StaticSource)
