# SPDX-License-Identifier: Apache-2.0
"""Budgets downwards: by priority, from the highest bucket first, never below a floor, never more than there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.budget.bands import Band, band_of, is_latched
from agent.fleet.budget.leaf import Claim, assign, highest_first, needs
from agent.fleet.budget.priority import Priority
from agent.fleet.budget.summaries import fill, split
from agent.fleet.budget.tables import BandTable


def claim(name: str, priority: Priority, base: float, floor: float, want: float, peak: float) -> Claim:
    return Claim(name, priority, base, floor, want, peak)


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    made = []
    for number in range(draw(st.integers(1, 12))):
        base, floor, want, peak = sorted(draw(st.tuples(*[st.floats(10, 1000)] * 4)))
        made.append(claim(f"n{number}", draw(st.sampled_from(Priority)), base, floor, want, peak))
    return made


@given(claim_lists(), st.floats(0, 12_000), st.floats(0, 500))
def test_a_budget_is_shared_out_by_priority(claims: list[Claim], budget_w: float, reserve_w: float) -> None:
    caps_w = assign(budget_w, reserve_w, claims)
    bases_w = sum(one.base_w for one in claims)
    assert sum(caps_w.values()) <= max(budget_w, bases_w) + 1e-6
    for one in claims:
        assert one.base_w - 1e-6 <= caps_w[one.name] <= one.peak_w + 1e-6
    if reserve_w:
        return
    for one in claims:  # nobody of lower priority is above its floor while a higher one lacks what it wants
        if caps_w[one.name] < one.want_w - 1e-6:
            lower = [other for other in claims if other.priority > one.priority]
            assert all(caps_w[other.name] <= other.floor_w + 1e-6 for other in lower)


@given(claim_lists(), claim_lists(), st.floats(0, 20_000))
def test_levels_lose_nothing_and_invent_nothing(one: list[Claim], two: list[Claim], budget_w: float) -> None:
    """Two groups get together what one group of all would use."""
    parts = split(budget_w, 0.0, [needs(one), needs(two)])
    all_w = sum(fill(budget_w, 0.0, needs([*one, *two])))
    assert sum(parts) == pytest.approx(all_w, abs=1e-6)
    assert all_w <= budget_w + 1e-6


def test_a_reserve_is_for_critical_nodes() -> None:
    both = [
        claim("c", Priority.CRITICAL, 100, 100, 300, 300),
        claim("p", Priority.PRODUCTION, 100, 100, 300, 300),
    ]
    assert assign(500, 100, both) == {"c": 300, "p": 100}
    assert assign(500, 0, both) == {"c": 300, "p": 200}


def test_the_highest_bucket_first() -> None:
    spans = {"a": (50.0, 250.0), "b": (50.0, 150.0), "c": (200.0, 240.0)}
    kept = highest_first(60.0, spans)
    assert kept["b"] == 150.0
    assert kept["a"] < 220.0
    assert kept["c"] >= 200.0
    assert sum(kept.values()) == pytest.approx(580.0)


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"),
        st.tuples(st.floats(0, 400), st.floats(0, 400)).map(lambda two: (min(two), max(two))),
    ),
    st.floats(0, 3000),
)
def test_cuts_take_what_is_asked_or_all_above_the_floors(spans: dict[str, tuple[float, float]], less_w: float) -> None:
    kept = highest_first(less_w, spans)
    assert all(floor - 1e-6 <= kept[name] <= watts + 1e-6 for name, (floor, watts) in spans.items())
    possible_w = sum(watts - floor for floor, watts in spans.values())
    taken_w = sum(watts - kept[name] for name, (_, watts) in spans.items())
    assert taken_w == pytest.approx(min(less_w, possible_w), abs=1e-5)


def test_three_bands() -> None:
    bands = BandTable()
    assert [band_of(watts, 100.0, bands) for watts in (99.0, 98.9, 90.0, 89.9)] == [
        Band.CUT,
        Band.HOLD,
        Band.HOLD,
        Band.RELEASE,
    ]
    assert [is_latched(False, band) for band in Band] == [True, False, False]
    assert [is_latched(True, band) for band in Band] == [True, True, False]
