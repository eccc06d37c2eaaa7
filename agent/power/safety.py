# SPDX-License-Identifier: Apache-2.0
"""The safety policies put together: every gate is asked before something is switched on, in a fixed order."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.power.gate import Policy, Refusal
from agent.power.override import Override
from agent.power.request import Action, HostState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from agent.power.gate import CapacitySource, PowerGate
    from agent.power.graph import DomainGraph
    from agent.power.plan import DomainFacts
    from agent.power.policy import PowerPolicies

SWITCHES_ON = frozenset({Action.ON, Action.CYCLE})
NS = 1_000_000_000


class Safety:
    """Used on the loop's thread. Answers from what is known at this instant."""

    def __init__(
        self,
        graph: DomainGraph,
        facts: Mapping[str, DomainFacts],
        policies: Callable[[], PowerPolicies],
        gates: Sequence[PowerGate],
        capacity: CapacitySource | None,
        proven: Callable[[str], bool],
        emit: Callable[..., object],
    ) -> None:
        """`facts` is read at each question; `proven(name)`: whether a domain has a power-good to show."""
        self._graph = graph
        self._facts = facts
        self._policies = policies
        self._gates = tuple(gates)
        self._capacity = capacity
        self._proven = proven
        self._emit = emit
        self._override: Override | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reserved_w: dict[str, float] = {}
        """What was just switched on and may not yet draw its power."""

    def refusal(self, name: str, action: Action) -> Refusal | None:
        """The first policy that has something against it."""
        if action not in SWITCHES_ON:
            return None
        policies, domain = self._policies().safety, self._graph.domains[name]
        off = {
            Policy.THERMAL: not policies.thermal_check,
            Policy.COOLING: not policies.thermal_check,
            Policy.HEALTH: not policies.health_check,
        }
        for refusal in (
            self._unproven(name) if policies.power_good_required else None,
            *(gate.refusal(domain.source, action) for gate in self._gates),
            self._too_much(name, action) if policies.capacity_check else None,
            self._too_soon(name, action, policies.min_off_s),
        ):
            if refusal is None or off.get(refusal.policy, False):
                continue
            if self._override is None or refusal.policy not in self._override.policies:
                return refusal
        return None

    def _too_soon(self, name: str, action: Action, min_off_s: float) -> Refusal | None:
        there = self._facts[name]
        clears_ns = there.since_ns + round(min_off_s * NS)
        now_ns = time.monotonic_ns()
        if action is not Action.ON or there.state is not HostState.OFF or clears_ns <= now_ns:
            return None
        off_s = (now_ns - there.since_ns) / NS
        reading = f"it has been off for {off_s:.1f} s of {min_off_s:g} s"
        return Refusal(Policy.MIN_OFF_TIME, reading, f"wait {(clears_ns - now_ns) / NS:.1f} s", clears_ns)

    def _unproven(self, name: str) -> Refusal | None:
        for need in self._graph.needs(name):
            if not self._proven(need):
                source = self._graph.domains[need].source
                cure = f"give {source} power_good in the profile, or set safety.power_good_required = false"
                return Refusal(Policy.POWER_GOOD, f"{source}, which it needs, has no power-good input", cure)
        return None

    def _too_much(self, name: str, action: Action) -> Refusal | None:
        watts = self._graph.domains[name].watts
        if watts is None or self._capacity is None or action is not Action.ON:
            return None
        spare_w = self._capacity.spare_w()
        if spare_w is None:
            return None
        spare_w -= sum(self._reserved_w.values())
        if watts <= spare_w:
            return None
        reading = f"it draws up to {watts:g} W and the healthy supplies have {max(0.0, spare_w):.0f} W to spare"
        return Refusal(Policy.CAPACITY, reading, "switch something off, or bring back a supply")

    # ------------------------------------------------------------------ capacity that is spoken for

    def reserve(self, name: str) -> None:
        """It is being switched on: its watts are spoken for until they show in the readings."""
        watts = self._graph.domains[name].watts
        if watts is not None:
            self._reserved_w[name] = watts

    def release(self, name: str) -> None:
        self._reserved_w.pop(name, None)

    # ------------------------------------------------------------------ the override

    @property
    def override(self) -> Override | None:
        """The one in force."""
        return self._override

    def begin_override(self, policies: Collection[Policy], seconds: float, origin: str, reason: str) -> Override:
        """Let these refuse nothing for a while; replaces an override that is in force."""
        self._end_override("replaced by another")
        until_ns = time.monotonic_ns() + round(seconds * NS)
        override = self._override = Override(frozenset(policies), until_ns, origin, reason)
        self._emit(EventKind.OVERRIDE_BEGUN, "board", override.text, origin, f"{seconds:g}", reason)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._end_override, "its time is over")
        return override

    def end_override(self, origin: str) -> bool:
        """False when none is in force."""
        return self._end_override(f"ended by {origin}")

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _end_override(self, why: str) -> bool:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        ended, self._override = self._override, None
        if ended is None:
            return False
        self._emit(EventKind.OVERRIDE_ENDED, "board", ended.text, why)
        return True
