# SPDX-License-Identifier: Apache-2.0
"""How many machines the work needs: which to wake for it, and how much is left without one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.fleet.farm.model import Amounts, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.fleet.farm.model import FarmNode, FarmSettings

TINY = 1e-9


def total(amounts: Iterable[Mapping[Resource, float]]) -> Amounts:
    summed: Amounts = dict.fromkeys(Resource, 0.0)
    for each in amounts:
        for resource, amount in each.items():
            summed[resource] += amount
    return summed


def lacking(need: Mapping[Resource, float], capacity: Mapping[Resource, float], settings: FarmSettings) -> Amounts:
    """What capacity is missing for `need` to stay within the thresholds; only what is missing is named."""
    missing: Amounts = {}
    for resource in Resource:
        short = need.get(resource, 0.0) / settings.threshold(resource) - capacity.get(resource, 0.0)
        if short > TINY * max(1.0, need.get(resource, 0.0)):
            missing[resource] = short
    return missing


def relaxed(need: Mapping[Resource, float], capacity: Mapping[Resource, float], settings: FarmSettings) -> bool:
    """Whether the thresholds hold with room to spare, so that the next wake is far."""
    return all(
        need.get(resource, 0.0)
        <= (settings.threshold(resource) - settings.hysteresis) * capacity.get(resource, 0.0) + TINY
        for resource in Resource
    )


def choose(missing: Mapping[Resource, float], candidates: Sequence[FarmNode]) -> tuple[list[FarmNode], Amounts]:
    """Machines that together have what is missing, and what is missing still. No one has to be large enough alone."""
    left = dict(missing)
    free = sorted(candidates, key=lambda node: node.name)
    chosen: list[FarmNode] = []
    while left and free:
        best = max(free, key=lambda node: _helps(node, left))
        if _helps(best, left) <= 0:
            break
        free.remove(best)
        chosen.append(best)
        left = _less(left, best)
    for node in chosen[:]:
        others = [other for other in chosen if other is not node]
        without = _rest(missing, others)
        if without.keys() == left.keys() and all(without[key] <= left[key] + TINY for key in left):
            chosen = others  # what came later makes it unnecessary
    return chosen, left


def _helps(node: FarmNode, left: Mapping[Resource, float]) -> float:
    """The shares of what is left that the machine has; each resource counts at most once."""
    return sum(min(node.capacity.get(resource, 0.0) / short, 1.0) for resource, short in left.items())


def _less(left: Mapping[Resource, float], node: FarmNode) -> Amounts:
    rest = {resource: short - node.capacity.get(resource, 0.0) for resource, short in left.items()}
    return {resource: short for resource, short in rest.items() if short > TINY}


def _rest(missing: Mapping[Resource, float], nodes: Iterable[FarmNode]) -> Amounts:
    left = dict(missing)
    for node in nodes:
        left = _less(left, node)
    return left
