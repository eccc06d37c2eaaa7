# SPDX-License-Identifier: Apache-2.0
"""From a request to a plan, or to the reason why not: what is switched along, what stands in the way. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.gate import Policy
from agent.power.plan import STOPS, Plan, Step
from agent.power.request import Action, HostState, Reply, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agent.power.graph import DomainGraph
    from agent.power.plan import DomainFacts
    from agent.power.policy import SequencingPolicies

TAKES_POWER_AWAY = STOPS | {Action.CYCLE}


def make_plan(
    graph: DomainGraph,
    facts: Mapping[str, DomainFacts],
    policies: SequencingPolicies,
    wants: Mapping[str, Action],
    busy: Collection[str],
) -> Plan | Reply:
    """The plan for these wishes, in an order that can be carried out; `busy` domains are another operation's.

    A start takes along what it needs; a stop never takes along what it was not asked to: it is refused.
    """
    for name, action in wants.items():
        if action in TAKES_POWER_AWAY and (why := _still_needed(graph, facts, wants, name)):
            return Reply(Verdict.BLOCKED, why)
    starts = [name for name, action in wants.items() if action is Action.ON]
    needed = [name for name in graph.with_needs(starts) if name not in wants and facts[name].state is not HostState.ON]
    if needed and not policies.start_needs:
        source = graph.domains[needed[0]].source
        cure = "switch it on first, or set sequencing.start_needs = true"
        return Reply(Verdict.BLOCKED, f"{Policy.DEPENDENCIES.value}: needs {source}, which is off; {cure}")
    actions = dict(wants) | {name: Action.ON for name in needed if name not in busy}
    stopping = any(action in STOPS for action in wants.values())
    order = graph.with_dependents(actions) if stopping else graph.with_needs(actions)
    return Plan(graph, policies, {name: Step(name, actions[name]) for name in order if name in actions})


def _still_needed(
    graph: DomainGraph, facts: Mapping[str, DomainFacts], wants: Mapping[str, Action], name: str
) -> str | None:
    """Why it cannot lose its power: something that stays runs on it."""
    for dependent in graph.dependents(name):
        stays = wants.get(dependent) not in STOPS
        if stays and facts[dependent].state is not HostState.OFF:
            source, state = graph.domains[dependent].source, facts[dependent].state.value
            cure = "switch that off first, or switch off the chassis"
            return f"{Policy.DEPENDENCIES.value}: {source} needs it and is {state}; {cure}"
    return None
