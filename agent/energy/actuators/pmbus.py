# SPDX-License-Identifier: Apache-2.0
"""Actuator `pmbus`: the power limit of this board's supplies.

A supply does not slow a machine down: it warns (POUT_OP_WARN_LIMIT, and SMBALERT# where it is wired to the processor),
and the board says so when the load stays above the limit. Use it beside an actuator that slows, or for its alarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent.energy.actuators.faults import not_a_cap
from agent.energy.actuators.interface import Answer, Applied
from agent.psu.change import MAX_LIMIT_W, MIN_LIMIT_W

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.loop_call import LoopCall
    from agent.psu.power_limit import AppliedLimit

ORIGIN = "energy"
WATTS = "watts"
NONE = "none"
WITHIN_S = 30.0


class SupplyLimit(Protocol):
    """What is used of agent.psu.power_limit.PowerLimit."""

    watts: float | None

    async def set(self, watts: float | None, origin: str) -> AppliedLimit | None: ...


class Pmbus:
    """Implements CapActuator."""

    name = "pmbus"

    def __init__(self, limit: SupplyLimit, ask: LoopCall) -> None:
        self._limit = limit
        self._ask = ask
        self._ours: float | None = None

    def range_w(self) -> tuple[float, float] | None:
        return MIN_LIMIT_W, MAX_LIMIT_W

    def save(self) -> Mapping[str, str]:
        watts = self._limit.watts
        return {WATTS: NONE if watts is None else repr(watts)}

    def apply(self, cap_w: float) -> Applied:
        if not 0 < cap_w < float("inf"):
            return not_a_cap(cap_w)
        wanted_w = min(max(cap_w, MIN_LIMIT_W), MAX_LIMIT_W)
        try:
            applied = self._ask(lambda: self._limit.set(wanted_w, ORIGIN), WITHIN_S)
        except (OSError, TimeoutError) as error:
            return Applied(Answer.REFUSED, cap_w, None, f"the supplies' power limit: {error}")
        self._ours = self._limit.watts
        if applied is not None and not applied.present:
            return Applied(Answer.ABSENT, cap_w, None, "no supply answers")
        if applied is not None and len(applied.written) < applied.present:
            why = f"{len(applied.written)} of {applied.present} supplies keep a power limit; the load is watched"
            return Applied(Answer.CLAMPED if applied.written else Answer.ABSENT, cap_w, None, why)
        if wanted_w != cap_w:
            return Applied(Answer.CLAMPED, cap_w, wanted_w, f"a limit is {MIN_LIMIT_W:g} to {MAX_LIMIT_W:g} W")
        return Applied(Answer.DONE, cap_w, wanted_w)

    def restore(self, saved: Mapping[str, str]) -> tuple[Applied, ...]:
        """A limit that a person has set since then is the person's: it stays."""
        try:
            watts = None if saved[WATTS] == NONE else float(saved[WATTS])
        except (KeyError, ValueError):
            return (Applied(Answer.REFUSED, 0.0, None, f"{dict(saved)} is no limit that was saved"),)
        if watts is not None and not MIN_LIMIT_W <= watts <= MAX_LIMIT_W:
            return (Applied(Answer.REFUSED, 0.0, None, f"{watts} W is no limit that was saved"),)
        wanted_w = watts or 0.0
        if self._ours is not None and self._limit.watts != self._ours:
            return (Applied(Answer.DONE, wanted_w, self._limit.watts, "somebody has set another limit since"),)
        try:
            self._ask(lambda: self._limit.set(watts, ORIGIN), WITHIN_S)
        except (OSError, TimeoutError) as error:
            return (Applied(Answer.REFUSED, wanted_w, None, f"the supplies' power limit: {error}"),)
        self._ours = None
        return (Applied(Answer.DONE, wanted_w, self._limit.watts),)
