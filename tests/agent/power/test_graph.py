# SPDX-License-Identifier: Apache-2.0
"""The dependency graph: cycles are found with their path, orders hold for any graph."""

from __future__ import annotations

import itertools
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.power.domain import Domain, DomainType
from agent.power.graph import DomainGraph, find_cycle

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "100"))
NAMES = tuple("abcdefgh")


def acyclic(edges: set[tuple[int, int]]) -> DomainGraph:
    """Each needs only those before it."""
    return DomainGraph(
        Domain(name, DomainType.AUX, tuple(NAMES[low] for low, high in sorted(edges) if high == number and low < high))
        for number, name in enumerate(NAMES)
    )


edges = st.sets(st.tuples(st.integers(0, len(NAMES) - 1), st.integers(0, len(NAMES) - 1)))


def test_a_cycle_is_told_as_a_path() -> None:
    assert find_cycle({"a": ["b"], "b": ["c"], "c": ["a"]}) == ("a", "b", "c", "a")
    assert find_cycle({"x": ["y"], "y": ["y"]}) == ("y", "y")
    assert find_cycle({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}) is None
    assert find_cycle({"a": ["unknown"]}) is None


@settings(max_examples=EXAMPLES, deadline=None)
@given(edges)
def test_a_cycle_is_one_and_is_found_where_there_is_one(pairs: set[tuple[int, int]]) -> None:
    needs = {name: [NAMES[b] for a, b in sorted(pairs) if NAMES[a] == name] for name in NAMES}
    found = find_cycle(needs)
    if found is not None:
        assert found[0] == found[-1]
        assert all(later in needs[earlier] for earlier, later in itertools.pairwise(found))
    else:  # then an order exists: take away what needs nothing, until nothing is left
        left = dict(needs)
        while left:
            free = [name for name, wanted in left.items() if not set(wanted) & left.keys()]
            assert free
            for name in free:
                del left[name]


@settings(max_examples=EXAMPLES, deadline=None)
@given(edges, st.sets(st.sampled_from(NAMES)))
def test_closures_are_ordered_and_complete(pairs: set[tuple[int, int]], wanted: set[str]) -> None:
    graph = acyclic(pairs)
    with_needs = graph.with_needs(sorted(wanted))
    assert len(set(with_needs)) == len(with_needs)
    for position, name in enumerate(with_needs):
        assert set(graph.needs(name)) <= set(with_needs[:position])
    with_dependents = graph.with_dependents(sorted(wanted))
    for position, name in enumerate(with_dependents):
        assert set(graph.dependents(name)) <= set(with_dependents[:position])
    assert wanted <= set(with_needs)
    assert wanted <= set(with_dependents)
