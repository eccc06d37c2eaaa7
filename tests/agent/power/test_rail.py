# SPDX-License-Identifier: Apache-2.0
"""The rail machine: closed-loop, retried as often as allowed, honest about what it cannot see."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.events.event import EventKind
from agent.power.rail import PAUSE_MS, Drive, Rail, RailEffect, RailFinish, RailTell, RailTiming
from agent.power.request import HostState, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

MS = 1_000_000
TIMING = RailTiming(power_good_ms=1000, attempts=3)


class Bench:
    """Drives at once, unless the control is broken; counts what is asked of it."""

    def __init__(self, *, raised: bool = False, good: bool | None = False, power_good: bool = True) -> None:
        self.now_ns = 0
        self.drives: list[bool] = []
        self.told: list[EventKind] = []
        self.verdicts: list[Verdict] = []
        self.broken = False
        self.rail = Rail(power_good, TIMING)
        self.take(self.rail.driven(raised))
        if power_good:
            self.take(self.rail.power_good(good, 0))

    def take(self, step: tuple[Rail, Sequence[RailEffect]]) -> None:
        self.rail, effects = step
        for effect in effects:
            match effect:
                case Drive(active=active):
                    self.drives.append(active)
                    if self.broken:
                        self.take(self.rail.drive_failed("stuck contact", self.now_ns))
                    else:
                        self.take(self.rail.driven(active))
                case RailTell(kind=kind):
                    self.told.append(kind)
                case RailFinish(reply=reply):
                    self.verdicts.append(reply.verdict)

    def ask(self, on: bool) -> Verdict:
        rail, effects, reply = self.rail.ask(on, self.now_ns)
        self.take((rail, effects))
        return reply.verdict

    def good(self, level: bool | None) -> None:
        self.take(self.rail.power_good(level, self.now_ns))

    def wait(self, span_ms: int) -> None:
        end_ns = self.now_ns + span_ms * MS
        while (due_ns := self.rail.deadline_ns) is not None and due_ns <= end_ns:
            self.now_ns = due_ns
            self.take(self.rail.expired(self.now_ns))
        self.now_ns = end_ns


def state_of(bench: Bench) -> HostState:
    return bench.rail.state


def test_on_and_off_are_proven_by_power_good() -> None:
    bench = Bench()
    assert bench.ask(True) is Verdict.ACCEPTED
    assert state_of(bench) is HostState.POWERING_ON
    bench.good(True)
    assert (bench.rail.state, bench.verdicts) == (HostState.ON, [Verdict.DONE])
    assert bench.ask(True) is Verdict.DONE
    assert bench.ask(False) is Verdict.ACCEPTED
    bench.good(False)
    assert state_of(bench) is HostState.OFF
    assert bench.told == [EventKind.DOMAIN_ON, EventKind.DOMAIN_OFF]


def test_a_rail_that_does_not_come_is_tried_as_often_as_allowed_and_left_raised() -> None:
    bench = Bench()
    bench.ask(True)
    bench.wait(3 * 1000 + 2 * PAUSE_MS)
    assert bench.drives == [True, False, True, False, True]
    assert (bench.rail.state, bench.verdicts) == (HostState.FAULT, [Verdict.FAILED])
    assert bench.rail.raised
    assert bench.ask(False) is Verdict.ACCEPTED
    assert state_of(bench) is HostState.OFF


def test_what_was_found_raised_is_not_lowered_to_try_again() -> None:
    bench = Bench(raised=True, good=False)
    bench.ask(True)
    bench.wait(5000)
    assert False not in bench.drives
    assert bench.verdicts == [Verdict.FAILED]


def test_a_control_that_cannot_be_driven_is_a_fault() -> None:
    bench = Bench()
    bench.broken = True
    bench.ask(True)
    assert bench.drives == [True] * TIMING.attempts
    assert (bench.rail.state, bench.rail.fault) == (HostState.FAULT, "stuck contact")


def test_a_loss_is_told_apart_from_being_switched_off() -> None:
    bench = Bench(raised=True, good=True)
    bench.good(False)
    assert (bench.rail.state, bench.told) == (HostState.FAULT, [EventKind.DOMAIN_POWER_LOST])
    bench.good(True)
    assert (bench.rail.state, bench.told[-1]) == (HostState.ON, EventKind.DOMAIN_RECOVERED)


@pytest.mark.parametrize("raised", [True, False])
def test_without_power_good_the_control_counts(raised: bool) -> None:
    bench = Bench(raised=raised, power_good=False)
    assert state_of(bench) is (HostState.ON if raised else HostState.OFF)
    assert bench.ask(not raised) is Verdict.ACCEPTED
    assert bench.verdicts == [Verdict.DONE]


def test_an_emergency_lowers_it_and_waits_for_power_good() -> None:
    bench = Bench(raised=True, good=True)
    bench.take(bench.rail.seized(bench.now_ns))
    assert state_of(bench) is HostState.POWERING_OFF
    bench.good(False)
    assert (bench.rail.state, bench.verdicts) == (HostState.OFF, [Verdict.DONE])


@settings(max_examples=int(os.environ.get("PGOOD_EXAMPLES", "300")), deadline=None)
@given(
    st.booleans(),
    st.booleans(),
    st.lists(
        st.one_of(
            st.tuples(st.just("ask"), st.booleans()),
            st.tuples(st.just("good"), st.sampled_from([True, False, None])),
            st.tuples(st.just("wait"), st.integers(1, 4000)),
            st.tuples(st.just("break"), st.booleans()),
        ),
        max_size=30,
    ),
)
def test_every_request_ends_and_lowering_is_asked_for(
    raised: bool, power_good: bool, events: list[tuple[str, int | bool | None]]
) -> None:
    bench = Bench(raised=raised, good=raised, power_good=power_good)
    accepted = 0
    for kind, value in events:
        before, running = list(bench.drives), bench.rail.running
        if kind == "ask":
            accepted += bench.ask(bool(value)) is Verdict.ACCEPTED
        elif kind == "good" and power_good:
            bench.good(None if value is None else bool(value))
            if running is None:
                assert bench.drives == before, "it moved although nobody asked"
        elif kind == "wait":
            bench.wait(int(value or 0))
        elif kind == "break":
            bench.broken = bool(value)
    bench.wait(60_000)
    assert bench.rail.running is None
    assert len(bench.verdicts) == accepted
