# SPDX-License-Identifier: Apache-2.0
"""One round of the automation: which machines should wake or sleep now, and why. Pure; about every five minutes.

What is on its way up counts as capacity until it has failed, so that one need wakes machines once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.fleet.farm.demand import choose, lacking, relaxed, total
from agent.fleet.farm.model import NS_PER_S, Memory, Plan, Reason, Wish, clean
from agent.fleet.farm.rounds import due
from agent.fleet.node.documents import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.fleet.farm.model import Amounts, Clock, FarmNode, FarmSettings, Resource
    from agent.fleet.farm.rounds import Due


def plan(
    clock: Clock,
    nodes: Sequence[FarmNode],
    demand: Mapping[Resource, float],
    settings: FarmSettings,
    memory: Memory,
) -> Plan:
    """`demand` is work that waits, beyond what the machines use. Raises ValueError for amounts that are none."""
    wanted = clean(demand, "demand")
    for node in nodes:
        clean(node.capacity, f"capacity of {node.name}")
        clean(node.used, f"use of {node.name}")
    if len({node.name for node in nodes}) != len(nodes):
        raise ValueError("two machines have the same name")
    return _Round(clock, nodes, settings, memory).plan(wanted)


class _Round:
    """What one round has found out and decided so far."""

    def __init__(self, clock: Clock, nodes: Sequence[FarmNode], settings: FarmSettings, memory: Memory) -> None:
        self._clock = clock
        self._nodes = sorted(nodes, key=lambda node: node.name)
        self._settings = settings
        self._memory = self._with_failures(memory)
        self._wishes: dict[str, Wish] = {}

    def plan(self, demand: Amounts) -> Plan:
        need = total([demand, *(node.used for node in self._nodes if node.up)])
        stranded = self._keep_senders()
        unmet = self._serve(need)
        if not unmet and not self._has(Reason.DEMAND):
            kept = self._rest(need)
        else:
            kept = {node.name: "more is needed than there is" for node in self._nodes if node.up}
        self._rounds()
        return Plan(tuple(self._wishes.values()), self._memory, unmet, stranded, kept)

    # ------------------------------------------------------------------ waking

    def _with_failures(self, memory: Memory) -> Memory:
        failed_ns = dict(memory.failed_ns)
        for node in self._nodes:
            if node.up:
                failed_ns.pop(node.name, None)
            elif self._late(node) and failed_ns.get(node.name, 0) <= (node.target_ns or 0):
                failed_ns[node.name] = self._clock.mono_ns
        return replace(memory, failed_ns=failed_ns)

    def _late(self, node: FarmNode) -> bool:
        waking = node.target is Direction.UP and not node.up
        return (
            waking and node.target_ns is not None and self._clock.mono_ns - node.target_ns >= self._settings.waking_ns
        )

    def _failed(self, node: FarmNode) -> bool:
        failed_ns = self._memory.failed_ns.get(node.name)
        return failed_ns is not None and self._clock.mono_ns - failed_ns < self._settings.failed_ns

    def _coming(self, node: FarmNode) -> bool:
        """Up and staying, or on its way."""
        if node.name in self._wishes:
            return self._wishes[node.name].target is Direction.UP
        return node.staying or (node.target is Direction.UP and not self._late(node))

    def _keep_senders(self) -> tuple[str, ...]:
        """Somebody stays awake in each segment; says where nobody is."""
        stranded = []
        for segment in sorted({node.segment for node in self._nodes}):
            members = [node for node in self._nodes if node.segment == segment and node.sends]
            if not any(node.up for node in members):
                stranded.append(segment)
            missing = self._settings.senders - sum(self._coming(node) for node in members)
            ours = [node for node in members if not node.manual and not self._coming(node)]
            for node in sorted(ours, key=lambda node: (not node.up, self._failed(node), node.name))[: max(missing, 0)]:
                self._wish(node, Direction.UP, Reason.SENDER, f"segment {segment} needs somebody who wakes the others")
        return tuple(stranded)

    def _serve(self, need: Amounts) -> Amounts:
        coming = total(node.capacity for node in self._nodes if self._coming(node))
        missing = lacking(need, coming, self._settings)
        if not missing:
            return {}
        ours = [node for node in self._nodes if not node.manual and not self._coming(node) and not self._failed(node)]
        chosen, unmet = choose(missing, ours)
        what = ", ".join(sorted(resource.value for resource in missing))
        for node in chosen[: self._settings.demand_per_round]:
            self._wish(node, Direction.UP, Reason.DEMAND, f"too little {what} for what is asked")
        return unmet

    def _rounds(self) -> None:
        """Urgent, daily and random wakes, in this order, as many as a round allows."""
        asleep = [
            node for node in self._nodes if not (node.up or node.manual or self._coming(node) or self._failed(node))
        ]
        found = [
            (wake, node)
            for node in asleep
            if (wake := due(node, self._clock, self._settings, self._memory)) is not None
        ]
        order = {reason: index for index, reason in enumerate(Reason)}
        found.sort(key=lambda item: (order[item[0].reason], item[1].seen_ns, item[1].name))
        waking = sum(
            node.target is Direction.UP and not node.up and not self._late(node) and node.name not in self._wishes
            for node in self._nodes
        )
        for wake, node in found[: max(self._settings.per_round - waking, 0)]:
            self._wish(node, Direction.UP, wake.reason, wake.text)
            self._used(node.name, wake)

    def _used(self, name: str, wake: Due) -> None:
        """The date is used up by what it was used for; an urgent wake stands for the daily one."""
        now_ns, memory = self._clock.mono_ns, self._memory
        if wake.day is None:
            return
        used = {name: wake.day.isoformat()}
        if wake.reason is Reason.RANDOM:
            random_ns = {**memory.random_ns, name: now_ns}
            self._memory = replace(memory, random={**memory.random, **used}, random_ns=random_ns)
        else:
            daily_ns = {**memory.daily_ns, name: now_ns}
            self._memory = replace(memory, daily={**memory.daily, **used}, daily_ns=daily_ns)

    # ------------------------------------------------------------------ sleeping

    def _rest(self, need: Amounts) -> dict[str, str]:
        """Put to sleep what is not needed; says why the others stay."""
        kept: dict[str, str] = {}
        staying = [node for node in self._nodes if node.staying]
        for node in sorted(staying, key=_least_missed):
            why = self._holds(node)
            others = [other for other in staying if other is not node and not self._came_up(other)]
            senders = [other for other in others if other.segment == node.segment and other.sends]
            if not why and node.sends and len(senders) < self._settings.senders:
                why = f"segment {node.segment} needs somebody who wakes the others"
            if not why and not relaxed(need, total(other.capacity for other in others), self._settings):
                why = "the others would be too full without it"
            if why:
                kept[node.name] = why
                continue
            staying = others
            self._wish(node, Direction.DOWN, Reason.SPARE, "it is not needed")
        return kept

    def _holds(self, node: FarmNode) -> str:
        """Why this machine is not put to sleep whatever the others do."""
        if node.manual:
            return "a person has set its target"
        if node.pinned:
            return f"pinned: {node.pinned}"
        if node.busy:
            return f"in use: {node.busy}"
        if not node.able:
            return "it could not be woken again"
        if node.name in self._wishes:
            return self._wishes[node.name].text
        if self._came_up(node):
            return f"it came up less than {self._settings.stay_ns // (60 * NS_PER_S)} min ago"
        return ""

    def _came_up(self, node: FarmNode) -> bool:
        """A moment ago, and so it stays for a while; whoever it was woken beside does not go because of that."""
        return node.changed_ns is not None and self._clock.mono_ns - node.changed_ns < self._settings.stay_ns

    def _wish(self, node: FarmNode, target: Direction, reason: Reason, text: str) -> None:
        self._wishes[node.name] = Wish(node.name, target, reason, text)

    def _has(self, reason: Reason) -> bool:
        return any(wish.reason is reason for wish in self._wishes.values())


def _least_missed(node: FarmNode) -> tuple[float, int, str]:
    """The smallest first; of equal ones whoever came up last, so that the same ones stay."""
    return sum(node.capacity.values()), -(node.changed_ns or 0), node.name
