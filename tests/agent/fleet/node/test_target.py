# SPDX-License-Identifier: Apache-2.0
"""One machine, step by step: what it reports, when it obeys, and what it does when something fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.actions import Action, Happening, Persist, Publish, Sleep, Tell, Wake
from agent.fleet.node.desired import Remembered
from agent.fleet.node.documents import Condition, Direction, condition
from agent.fleet.node.guards import Guard, Standing
from agent.fleet.node.target import HOST_OF_A_BOARD, OWN_NODE, Around, Phase
from tests.agent.fleet.node.bench import ALONE, DOWN, PROMISED, UP, Bench


@pytest.mark.parametrize(
    ("state", "wanted", "word"),
    [
        (UP, UP, Condition.ON),
        (DOWN, UP, Condition.WAKING),
        (UP, DOWN, Condition.SHUTTING_DOWN),
        (DOWN, DOWN, Condition.OFF),
        (UP, None, Condition.ON),
        (DOWN, None, Condition.OFF),
        (None, UP, Condition.UNKNOWN),
    ],
)
def test_the_four_conditions(state: Direction | None, wanted: Direction | None, word: Condition) -> None:
    assert condition(state, wanted) is word


def test_it_reports_first_then_obeys_in_order() -> None:
    bench = Bench(OWN_NODE)
    bench.want(DOWN, 3)
    bench.run(6)
    assert [report.last for report in bench.reports] == [False, True]
    first, last = bench.reports
    assert (first.state, last.state, last.revision) == (UP, DOWN, 3)
    intent = next(index for index, each in enumerate(bench.done) if isinstance(each, Persist) and each.remembered.slept)
    order = [bench.done.index(Publish(first, retain=True)), intent, bench.done.index(Publish(last, retain=True))]
    assert order == sorted(order)
    assert isinstance(bench.done[-1], Sleep)


def test_after_a_boot_it_reports_and_sleeps_again() -> None:
    bench = Bench(OWN_NODE, Remembered(start=4, revision=3, target=DOWN, reached=2, ordered=5, slept=True))
    bench.run(5)
    assert bench.reports[0].state is UP
    assert bench.reports[0].start == 5
    assert bench.count(Sleep) == 0, "the target of before is not obeyed until it is heard again"
    bench.want(DOWN, 3)
    bench.run(6)
    assert bench.count(Sleep) == 1


def test_a_shutdown_that_is_refused_is_over_at_once_and_tried_again_later() -> None:
    bench = Bench(OWN_NODE)
    bench.want(DOWN, 1)
    bench.run(6)
    assert bench.count(Sleep) == 1
    bench.machine, actions = bench.machine.refused("no such program", bench.now_ns)
    assert [action.happening for action in actions if isinstance(action, Tell)] == [Happening.NOT_ASLEEP]
    bench.step()
    assert (bench.reports[-1].state, bench.reports[-1].last) == (UP, False)
    assert "no such program" in bench.reports[-1].reason
    assert bench.machine.refused("late", bench.now_ns) == (bench.machine, [])
    bench.run(50)
    assert bench.count(Sleep) == 1
    bench.run(20)
    assert bench.count(Sleep) == 2


def test_without_the_broker_it_never_sleeps() -> None:
    bench = Bench(OWN_NODE)
    bench.run(2)
    bench.broker = False
    bench.want(DOWN, 1)
    bench.run(3600)
    assert bench.count(Sleep) == 0
    assert bench.machine.phase in (Phase.RESTING, Phase.ASKING, Phase.INTENT, Phase.LAST_REPORT)
    assert any("last report" in report.reason and report.state is UP for report in bench.reports)
    bench.broker = True
    bench.run(3700)
    assert bench.count(Sleep) >= 1


def test_without_a_disk_it_never_sleeps_but_reports() -> None:
    bench = Bench(OWN_NODE)
    bench.disk = False
    bench.want(DOWN, 1)
    bench.run(300)
    assert bench.count(Sleep) == 0
    assert any("disk" in report.reason for report in bench.reports)


def test_down_is_never_reported_while_it_cannot_be_woken() -> None:
    """A machine without a wake path stays up, and says why."""
    bench = Bench(OWN_NODE, around=replace(PROMISED, unable="eth0 has no link"))
    bench.want(DOWN, 1)
    bench.run(300)
    assert {report.state for report in bench.reports} == {UP}
    assert bench.reports[-1].reason == "it cannot be woken: eth0 has no link"
    assert not bench.reports[-1].able


@pytest.mark.parametrize("guard", list(Guard))
@pytest.mark.parametrize("rises_after", range(6))
def test_a_guard_stops_it_at_every_step(guard: Guard, rises_after: int) -> None:
    bench = Bench(OWN_NODE)
    bench.want(DOWN, 1)
    for _ in range(rises_after):
        bench.step()
    slept = bench.count(Sleep)
    bench.around = replace(PROMISED, standing=(Standing(guard, "because"),))
    bench.run(30)
    assert bench.count(Sleep) == slept
    if not slept:
        assert (bench.reports[-1].state, bench.reports[-1].reason) == (UP, "because")
        assert not bench.kept.slept
        bench.around = PROMISED
        bench.run(10)
        assert bench.count(Sleep) == 1


@pytest.mark.parametrize("after", range(6))
def test_up_again_turns_it_back_at_every_step(after: int) -> None:
    bench = Bench(OWN_NODE)
    bench.want(DOWN, 1)
    for _ in range(after):
        bench.step()
    slept = bench.count(Sleep)
    bench.want(UP, 2)
    bench.run(20)
    assert bench.count(Sleep) == slept
    if not slept:
        assert (bench.reports[-1].state, bench.reports[-1].condition) == (UP, Condition.ON)


def test_a_shutdown_that_hangs_ends_in_up_with_a_reason_and_is_tried_again_rarely() -> None:
    bench = Bench(ALONE)
    bench.want(DOWN, 1)
    bench.run(8 * 3600)
    assert bench.count(Sleep) == 5
    assert bench.reports[-1].state is UP
    assert "5 times" in bench.reports[-1].reason
    told = [action for action in bench.done if isinstance(action, Tell)]
    assert {each.happening for each in told} == {Happening.NOT_ASLEEP}
    bench.want(DOWN, 2)
    bench.run(60)
    assert bench.count(Sleep) == 6


def test_no_promise_no_sleep() -> None:
    bench = Bench(OWN_NODE, around=Around())
    bench.want(DOWN, 1)
    bench.run(300)
    assert bench.count(Sleep) == 0
    assert "promised" in bench.reports[-1].reason


def test_a_promise_that_has_run_out_is_none() -> None:
    bench = Bench(OWN_NODE)
    bench.want(DOWN, 1)
    while bench.machine.phase is not Phase.LAST_REPORT:
        bench.step()
    bench.around = Around(promised_until_ns=bench.now_ns)
    bench.run(20)
    assert bench.count(Sleep) == 0


def test_a_report_that_is_lost_is_said_again() -> None:
    bench = Bench(OWN_NODE)
    bench.broker = False
    bench.run(35)
    assert len(bench.reports) == 4
    assert len({report.number for report in bench.reports}) == 1
    bench.broker = True
    bench.run(60)
    assert len(bench.reports) == 5


# ---------------------------------------------------------------------- a host of a board


def host(actual: Direction | None, remembered: Remembered | None = None) -> Bench:
    return Bench(HOST_OF_A_BOARD, remembered, Around(actual=actual))


def test_a_host_is_switched_on_once_per_revision() -> None:
    bench = host(DOWN)
    bench.want(UP, 1)
    bench.run(4000)
    assert bench.count(Wake) == 1, "a press is never repeated by itself"
    assert [action.happening for action in bench.done if isinstance(action, Tell)] == [Happening.NOT_AWAKE]
    assert "did not come up" in bench.reports[-1].reason
    bench.want(UP, 2)
    bench.run(10)
    assert bench.count(Wake) == 2
    bench.see(UP)
    bench.run(2)
    assert bench.reports[-1].condition is Condition.ON


def test_a_host_is_asked_to_shut_down_once_and_reported_down_when_it_is() -> None:
    bench = host(UP)
    bench.want(DOWN, 1)
    bench.run(10)
    assert bench.count(Sleep) == 1
    assert {report.state for report in bench.reports} == {UP}, "it is not down before it is seen down"
    bench.see(DOWN)
    bench.run(3)
    assert (bench.reports[-1].state, bench.reports[-1].condition) == (DOWN, Condition.OFF)


def test_a_host_that_ignores_the_shutdown_is_left_on() -> None:
    bench = host(UP)
    bench.want(DOWN, 1)
    bench.run(8000)
    assert bench.count(Sleep) == 1
    assert bench.reports[-1].state is UP
    assert bench.reports[-1].reason


def test_a_restart_of_the_board_repeats_no_press() -> None:
    for actual, wanted, kind in ((UP, DOWN, Sleep), (DOWN, UP, Wake)):
        bench = host(actual)
        bench.want(wanted, 1)
        while not bench.count(kind):
            bench.step()
        again = host(actual, bench.kept)
        again.want(wanted, 1)
        again.run(1000)
        assert again.count(kind) == 0


def test_a_host_that_a_person_switched_on_is_not_fought() -> None:
    bench = host(UP)
    bench.want(DOWN, 1)
    bench.run(10)
    bench.see(DOWN)
    bench.run(3)
    bench.see(UP)
    bench.run(1000)
    assert bench.count(Sleep) == 1
    assert "somebody else" in bench.reports[-1].reason


def test_nothing_is_ordered_while_power_cannot_be_sensed() -> None:
    bench = host(None)
    bench.want(DOWN, 1)
    bench.run(100)
    bench.want(UP, 2)
    bench.run(100)
    assert bench.count(Sleep) + bench.count(Wake) == 0
    assert {report.condition for report in bench.reports} == {Condition.UNKNOWN}
    bench.see(DOWN)
    bench.run(10)
    assert bench.count(Wake) == 1


events = st.one_of(
    st.tuples(st.just("want"), st.sampled_from(Direction), st.integers(1, 6)),
    st.tuples(st.just("see"), st.sampled_from([UP, DOWN, None]), st.just(0)),
    st.tuples(st.just("step"), st.integers(1, 400), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
    st.tuples(st.just("guard"), st.booleans(), st.just(0)),
    st.tuples(st.just("broker"), st.booleans(), st.just(0)),
)


@given(st.booleans(), st.lists(events, max_size=60))
def test_any_history_of_one_machine(own: bool, history: list[tuple[str, object, int]]) -> None:
    """Over anything: no order against its target or a guard, no second press, and never an order in the dark."""
    bench = Bench(ALONE, around=Around()) if own else host(UP)
    presses: dict[tuple[int, type[Action]], int] = {}
    for what, value, revision in history:
        match what, value:
            case "want", Direction():
                bench.want(value, revision)
            case "see", (Direction() | None) if not own:
                bench.see(value)
            case "restart", _:
                kept, around, now_ns = bench.kept, bench.around, bench.now_ns
                bench = Bench(ALONE if own else HOST_OF_A_BOARD, kept, around)
                bench.now_ns = now_ns // 2  # another clock
            case "guard", bool():
                bench.around = replace(bench.around, standing=(Standing(Guard.PINNED, "pinned"),) if value else ())
            case "broker", bool():
                bench.broker = value
            case "step", int():
                for action in bench.step(value):
                    known = bench.machine.remembered
                    if isinstance(action, Sleep):
                        assert (known.target, bench.around.actual, bench.around.standing) == (DOWN, UP, ())
                        assert bench.kept.slept
                    if isinstance(action, Wake):
                        assert (known.target, bench.around.actual) == (UP, DOWN)
                    if isinstance(action, Sleep | Wake) and not own:
                        key = (known.revision, type(action))
                        presses[key] = presses.get(key, 0) + 1
                        assert presses[key] == 1
