# SPDX-License-Identifier: Apache-2.0
"""When a node is asked and written: over any order of answers, news and time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.kubernetes.answers import Judged, Outcome
from agent.energy.kubernetes.api import Verb
from agent.energy.kubernetes.node_keys import NodeKeys
from agent.energy.kubernetes.publication import (
    CONFLICTS,
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    Ask,
    Pace,
    Pause,
    Publication,
    PublishState,
)

PACE = Pace(min_interval_s=60.0, spread_s=10.0, check_interval_s=3600.0, chance=lambda: 0.5)
CAP = "energy.pgood/cap-watts"


def keys(cap: int) -> NodeKeys:
    return NodeKeys({CAP: str(cap)})


class Cluster:
    """Answers as it is told; a PATCH that it takes, or whose answer is lost, is kept."""

    def __init__(self) -> None:
        self.node: dict[str, str | None] = {}

    def answer(self, ask: Ask, outcome: Outcome) -> Judged:
        written = outcome in (Outcome.NODE, Outcome.UNREACHABLE)
        if ask.keys is not None and written:
            self.node |= ask.keys.annotations
        return Judged(outcome, "why", NodeKeys(dict(self.node)) if outcome is Outcome.NODE else None)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from(Outcome), st.floats(0, 400), st.none() | st.integers(0, 3)), min_size=1, max_size=60
    )
)
def test_it_writes_rarely_asks_rarely_and_comes_to_its_end(steps: list[tuple[Outcome, float, int | None]]) -> None:
    cluster, now_s = Cluster(), 0.0
    publication = Publication().want(keys(0), now_s, PACE)
    written_s: list[float] = []
    at_once = 0
    for outcome, passes_s, cap in steps:
        if cap is not None:
            publication = publication.want(keys(cap), now_s, PACE)
        step = publication.next(now_s, PACE)
        if isinstance(step, Pause):
            assert step.seconds is None or step.seconds > 0
            now_s += min(passes_s, step.seconds or passes_s)
            at_once = 0
            continue
        at_once += 1
        assert at_once <= 3 * (CONFLICTS + 1)
        if step.verb is Verb.PATCH and outcome in (Outcome.NODE, Outcome.UNREACHABLE):
            assert not written_s or now_s >= written_s[-1] + PACE.min_interval_s
            written_s.append(now_s)
        publication = publication.after(step, cluster.answer(step, outcome), now_s, PACE)
    for _ in range(10):  # the cluster is well again
        step = publication.next(now_s, PACE)
        if isinstance(step, Pause):
            assert step.seconds is not None
            now_s += step.seconds
        else:
            publication = publication.after(step, cluster.answer(step, Outcome.NODE), now_s, PACE)
    assert publication.state is PublishState.PUBLISHED
    assert publication.wanted is not None
    assert cluster.node == publication.wanted.annotations


def test_a_change_is_spread_once() -> None:
    cluster = Cluster()
    publication = Publication().want(keys(1), 0.0, PACE)
    for _ in range(3):
        step = publication.next(100.0, PACE)
        assert isinstance(step, Ask)
        publication = publication.after(step, cluster.answer(step, Outcome.NODE), 100.0, PACE)
        if step.verb is Verb.PATCH:
            break
    publication = publication.want(keys(2), 1000.0, PACE)
    publication = publication.want(keys(3), 1004.0, PACE)
    assert publication.next(1004.0, PACE) == Pause(1.0)
    assert publication.next(1005.0, PACE) == Ask(Verb.PATCH, keys(3))


def test_the_waits_after_failures() -> None:
    publication, now_s, waits = Publication().want(keys(1), 0.0, PACE), 0.0, []
    for _ in range(10):
        step = publication.next(now_s, PACE)
        assert isinstance(step, Ask)
        publication = publication.after(step, Judged(Outcome.UNREACHABLE, "why"), now_s, PACE)
        pause = publication.next(now_s, PACE)
        assert isinstance(pause, Pause)
        assert pause.seconds is not None
        waits.append(pause.seconds)
        now_s += pause.seconds
    assert waits[0] == FIRST_WAIT_S * 0.75
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_S * 0.75


def test_nothing_to_say_asks_nothing() -> None:
    assert Publication().next(0.0, PACE) == Pause(None)
    publication = Publication().want(keys(1), 0.0, PACE)
    seen = publication.after(Ask(Verb.GET), Judged(Outcome.NODE, node=keys(1)), 5.0, PACE)
    assert (seen.state, seen.next(5.0, PACE)) == (PublishState.PUBLISHED, Pause(PACE.check_interval_s))


@pytest.mark.parametrize(
    ("outcome", "most"),
    [(Outcome.UNREACHABLE, 60), (Outcome.CONFLICT, 200), (Outcome.THROTTLED, 60), (Outcome.FORBIDDEN, 10)],
)
def test_a_node_that_is_read_and_never_written_is_left_in_peace(outcome: Outcome, most: int) -> None:
    """A GET that works between two PATCHes that fail must not make the waits short again."""
    cluster, publication, now_s, asked = Cluster(), Publication().want(keys(1), 0.0, PACE), 0.0, 0
    states = set()
    while now_s < 3600:
        step = publication.next(now_s, PACE)
        if isinstance(step, Pause):
            assert step.seconds is not None
            now_s += step.seconds
            continue
        asked += 1
        answer = cluster.answer(Ask(Verb.GET), Outcome.NODE) if step.verb is Verb.GET else Judged(outcome, "why")
        publication = publication.after(step, answer, now_s, PACE)
        if asked > 20:
            states.add(publication.state)
    assert asked <= most
    assert len(states) <= 1  # it does not come and go in the log
