# SPDX-License-Identifier: Apache-2.0
"""One machine, told of targets and of itself: revisions, starts that its disk forgot, others of its name."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.actions import Sleep
from agent.fleet.node.desired import Remembered, take
from agent.fleet.node.documents import Direction
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.target import OWN_NODE
from tests.agent.fleet.node.bench import DOWN, UP, Bench, target
from tests.agent.fleet.node.reports import report_of


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from(Direction)), max_size=40))
def test_the_highest_revision_wins_in_any_order_with_any_repeats(history: list[tuple[int, Direction]]) -> None:
    known, refused = Remembered(), 0
    for revision, direction in history:
        after = take(known, target(direction, revision))
        if isinstance(after, Refusal):
            refused += 1
            assert revision <= known.revision
            expected = RefusedBecause.STALE if revision < known.revision else RefusedBecause.CONFLICT
            assert after.because is expected
        else:
            known = after
    if history:
        highest = max(revision for revision, _ in history)
        assert known.revision == highest
        assert known.target is next(direction for revision, direction in history if revision == highest)


def test_a_lower_revision_is_refused_after_a_restart_too() -> None:
    bench = Bench(OWN_NODE)
    bench.want(DOWN, 7)
    bench.want(UP, 8)
    bench.step()
    again = Bench(OWN_NODE, bench.kept)
    refusal = again.want(DOWN, 7)
    assert refusal is not None
    assert refusal.because is RefusedBecause.STALE
    again.run(100)
    assert again.count(Sleep) == 0


def test_a_disk_that_forgot_its_starts_is_overtaken() -> None:
    """What the broker kept of it has a higher start: it goes on above, so that others believe it."""
    bench = Bench(OWN_NODE)
    bench.broker = False
    bench.step()
    old = report_of("bee", DOWN, target=DOWN, boot="older", start=41, number=9, revision=3)
    bench.machine = bench.machine.echo(old, retained=True)
    bench.step()
    assert bench.reports[-1].start == 42
    assert bench.kept.start == 42


@pytest.mark.parametrize("number", [1, 9])
def test_a_disk_that_was_lost_without_a_boot_between(number: int) -> None:
    """The retained report has the boot and the start of this one, but this one has not said it."""
    bench = Bench(OWN_NODE)
    bench.broker = False
    bench.step()
    (first,) = bench.reports
    old = msgspec.structs.replace(first, number=number, target=DOWN, revision=3)
    bench.machine = bench.machine.echo(old, retained=True)
    bench.step()
    assert bench.reports[-1].order > old.order
    assert bench.machine.echoed == 0
    bench.machine = bench.machine.echo(bench.reports[-1], retained=True)
    bench.step()
    assert bench.reports[-1].start == 2, "its own words are no words of a forgotten start"
    assert bench.machine.echoed == bench.reports[-1].number


@pytest.mark.parametrize("retained", [True, False])
def test_another_machine_of_the_same_name_keeps_it_up(*, retained: bool) -> None:
    """Retained, where both have one client id, too: the broker throws out one for the other again and again."""
    bench = Bench(OWN_NODE)
    bench.run(2)
    other = report_of("bee", UP, boot="other", start=9)
    bench.machine = bench.machine.echo(other, retained=retained)
    bench.want(DOWN, 1)
    bench.run(100)
    assert bench.count(Sleep) == 0
    assert "another machine" in bench.reports[-1].reason


def test_after_a_suspend_it_reports_before_it_sleeps_again() -> None:
    bench = Bench(OWN_NODE)
    bench.want(DOWN, 1)
    bench.run(6)
    assert bench.count(Sleep) == 1
    numbers = [report.number for report in bench.reports]
    bench.machine = bench.machine.resumed()
    bench.run(5)
    assert bench.count(Sleep) == 1
    assert (bench.reports[-1].state, bench.reports[-1].start) == (UP, 2)
    assert bench.reports[-1].number > max(numbers)
