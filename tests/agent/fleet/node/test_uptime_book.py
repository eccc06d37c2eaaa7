# SPDX-License-Identifier: Apache-2.0
"""Accounts of many nodes, over crashes of nodes and of whoever counts."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.documents import Heartbeat
from agent.fleet.node.uptime_book import UptimeBook

S = 1_000_000_000
BEAT_S = 60


def beat(node: str, start: int, number: int, uptime_s: float) -> Heartbeat:
    return Heartbeat(
        node=node, segment="hall", boot=f"{node}-{start}", start=start, number=number,
        uptime_ns=int(uptime_s * S), interval_ns=BEAT_S * S,
    )  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["ant", "bee"]), st.integers(1, 2000), st.booleans()), max_size=30))
def test_each_crash_costs_less_than_one_heartbeat(stretches: list[tuple[str, int, bool]]) -> None:
    """One node is up at a time; it crashes at the end of each stretch, and whoever counts may, too."""
    book, now_s = UptimeBook(), 0
    true_s, crashes = {"ant": 0, "bee": 0}, {"ant": 0, "bee": 0}
    for start, (node, lasts_s, counter_crashes) in enumerate(stretches, 1):
        for number, uptime_s in enumerate(range(0, lasts_s, BEAT_S), 1):
            assert book.heartbeat(beat(node, start, number, uptime_s), (now_s + uptime_s) * S) is None
        now_s += lasts_s
        true_s[node] += lasts_s
        crashes[node] += 1
        if counter_crashes:
            book = UptimeBook(json.loads(json.dumps(book.kept())))
    for node, total_s in true_s.items():
        lost_s = total_s - book.total_ns(node) / S
        assert 0 <= lost_s <= crashes[node] * BEAT_S


def test_late_and_repeated_heartbeats_count_once() -> None:
    beats = [beat("ant", 1, number, number * BEAT_S) for number in range(1, 30)] * 2
    random.Random(1).shuffle(beats)
    book = UptimeBook()
    for one in beats:
        book.heartbeat(one, 29 * BEAT_S * S)
    assert book.total_ns("ant") == 29 * BEAT_S * S
    assert (book.nodes, book.total_ns("bee")) == (("ant",), 0)


@pytest.mark.parametrize("kept", [[], {"a.b": {}}, {"ant": {"earlier_ns": "x"}}, {"ant": 5}, 7])
def test_what_is_damaged_is_said(kept: object) -> None:
    with pytest.raises(ValueError, match="damaged"):
        UptimeBook(kept)
