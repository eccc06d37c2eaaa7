# SPDX-License-Identifier: Apache-2.0
"""The C state machine against the Python model, over random programs of orders, edges, losses and leaps of time."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from native._core import lib

from native.fake import FakeEngine
from tests.native.model import MS, Model, Press, Wish

START_NS = 5_000 * MS
LIMITS: list[int | None] = [500 * MS, 60 * MS, None]
INPUTS = 3

_OUTCOMES = {
    lib.ENG_COMPLETED: "completed",
    lib.ENG_REFUSED: "refused",
    lib.ENG_CANCELLED: "cancelled",
    lib.ENG_LIMIT_REACHED: "limit",
}
_REASONS = {
    lib.ENG_REASON_NONE: "none",
    lib.ENG_REASON_BUSY: "busy",
    lib.ENG_REASON_INVALID: "invalid",
    lib.ENG_REASON_STOPPED: "stopped",
    lib.ENG_REASON_PRECONDITION: "false",
    lib.ENG_REASON_UNSTABLE: "unstable",
    lib.ENG_REASON_UNKNOWN_INPUT: "unknown",
    lib.ENG_REASON_ALREADY: "already",
    lib.ENG_REASON_LIMIT: "limit",
    lib.ENG_REASON_CANCELLED: "cancelled",
    lib.ENG_REASON_RELEASED: "released",
    lib.ENG_REASON_EDGES_LOST: "lost",
    lib.ENG_REASON_LEVEL_DIFFERS: "differs",
}
_LEVELS = {lib.ENG_UNKNOWN: None, lib.ENG_INACTIVE: False, lib.ENG_ACTIVE: True}
_KINDS = {"pulse": lib.ENG_PULSE, "hold": lib.ENG_HOLD, "on": lib.ENG_SET, "off": lib.ENG_RELEASE}


def plain(event: Any) -> tuple[object, ...]:
    """Returns a C event in the words of the model."""
    head = (event.line, event.time_ns)
    if event.kind == lib.ENG_EVENT_COMMAND_DONE:
        times = (event.achieved_ns, event.started_ns, event.ended_ns)
        return ("done", *head, event.token, _OUTCOMES[event.outcome], _REASONS[event.reason], *times)
    if event.kind == lib.ENG_EVENT_INPUT_CHANGED:
        return ("changed", *head, _LEVELS[event.steady], _LEVELS[event.previous], event.edge_ns)
    if event.kind == lib.ENG_EVENT_RESYNC:
        return ("resync", *head, _REASONS[event.reason], event.count)
    return ("failed", *head)


class Pair:
    """Engine and model, given the same program; after each step they must have done the same."""

    def __init__(self, debounce: list[tuple[int, int]]) -> None:
        self.token = 0
        self.engine = FakeEngine()
        self.engine.now_ns = START_NS
        for limit_ns in LIMITS:
            self.engine.add_output(momentary=limit_ns is not None, max_press_ns=limit_ns or 0)
        for rise_ns, fall_ns in debounce:
            self.engine.add_input(rise_ns=rise_ns, fall_ns=fall_ns)
        self.model = Model(debounce, LIMITS, START_NS)
        self.model.start()
        self.engine.start()
        self.compare()

    def step(self, action: str, arguments: tuple[Any, ...]) -> None:
        getattr(self, action)(*arguments)
        self.compare()
        assert self.engine.next_deadline() == self.model.next_due()

    def compare(self) -> None:
        assert [(w.time_ns, w.output, w.active) for w in self.engine.take_writes()] == self.model.writes
        assert [plain(event) for event in self.engine.take_events()] == self.model.events
        for index, line in enumerate(self.model.inputs):
            state = self.engine.input(index)
            assert _LEVELS[state.steady] == line.settled
            assert (state.raw_edges, state.glitches, state.resyncs) == (line.edges, line.glitches, line.losses)
            assert state.stable_since_ns == line.since_ns
        self.model.writes.clear()
        self.model.events.clear()

    def finish(self) -> None:
        self.model.stop()
        self.engine.stop()
        self.compare()
        assert not any(self.engine.raw.outputs[i] for i, limit in enumerate(LIMITS) if limit is not None)

    # ----- steps

    def run(self, span_ns: int) -> None:
        """Time passes and the thread wakes at each deadline."""
        end_ns = self.model.now_ns + span_ns
        self.engine.run(span_ns)
        while (due_ns := self.model.next_due()) <= end_ns:
            self.model.now_ns = max(self.model.now_ns, due_ns)
            self.model.advance()
        self.model.now_ns = end_ns

    def oversleep(self, span_ns: int) -> None:
        """The thread sleeps over its deadlines."""
        self.model.now_ns += span_ns
        self.engine.now_ns = self.model.now_ns

    def wake(self) -> None:
        self.model.advance()
        self.engine.advance()

    def edge(self, index: int, active: bool, ago_ns: int) -> None:
        """An edge, read late, or with a time that lies in the future or before its predecessor."""
        self.change(index, active)
        time_ns = self.model.now_ns - ago_ns
        self.model.edge(index, active, time_ns)
        self.engine.edge(index, active, time_ns)

    def change(self, index: int, active: bool) -> None:
        """A level that changes without an edge that anybody sees."""
        self.model.world[index] = active
        self.engine.raw.levels[index] = active

    def lose(self, index: int, active: bool, lost: int) -> None:
        self.change(index, active)
        self.model.edges_lost(index, lost)
        self.engine.edges_lost(index, lost)

    def break_line(self, index: int, broken: bool) -> None:
        self.model.broken[index] = broken
        self.engine.raw.read_errors[index] = 19 if broken else 0

    def order(
        self, index: int, kind: str, width_ns: int, count: int, gap_ns: int, before: Wish | None, until: Wish | None
    ) -> None:
        self.token += 1
        if kind != "hold":
            until = None
        if kind == "off":
            before = None
        self.model.order(index, Press(self.token, kind, width_ns, count, gap_ns, before, until))
        fields: dict[str, Any] = {"count": count, "gap_ns": gap_ns, "width_ns": width_ns, "active": kind == "on"}
        for name, wish in (("precondition", before), ("until", until)):
            if wish is not None:
                fields[name] = {"input": wish.input, "active": wish.active, "stable_ns": wish.stable_ns}
        self.engine.command(kind=_KINDS[kind], line=index, token=self.token, **fields)

    def cancel(self, back: int) -> None:
        token = max(self.token - back, 0)
        self.model.cancel(token)
        self.engine.command(kind=lib.ENG_CANCEL, token=token)


_SPANS = [0, 1, MS, 5 * MS, 20 * MS, 60 * MS, 100 * MS, 500 * MS, 1000 * MS]
_WIDTHS = [1, MS, 10 * MS, 50 * MS, 60 * MS, 500 * MS, 500 * MS + 1, 0, -1, 2**62]
_DEBOUNCE = [0, 1, 5 * MS, 20 * MS]
_STABLE = [0, 0, 1, 10 * MS, 100 * MS]
_COUNTS = [1, 1, 2, 5, 0, -1]
_GAPS = [1, 10 * MS, 10 * MS, 0, -5]
_ORDERS = ["pulse", "pulse", "hold", "hold", "on", "off"]

spans = st.sampled_from(_SPANS) | st.integers(0, 2500 * MS)
inputs = st.integers(0, INPUTS - 1)
outputs = st.integers(0, len(LIMITS) - 1)
wishes = st.none() | st.builds(Wish, inputs, st.booleans(), st.sampled_from(_STABLE))
orders = st.tuples(
    outputs,
    st.sampled_from(_ORDERS),
    st.sampled_from(_WIDTHS),
    st.sampled_from(_COUNTS),
    st.sampled_from(_GAPS),
    wishes,
    wishes,
)
steps = st.one_of(
    st.tuples(st.just("run"), st.tuples(spans)),
    st.tuples(st.just("edge"), st.tuples(inputs, st.booleans(), st.integers(-5 * MS, 50 * MS))),
    st.tuples(st.just("order"), orders),
    st.tuples(st.just("oversleep"), st.tuples(spans)),
    st.tuples(st.just("wake"), st.just(())),
    st.tuples(st.just("change"), st.tuples(inputs, st.booleans())),
    st.tuples(st.just("lose"), st.tuples(inputs, st.booleans(), st.integers(1, 9))),
    st.tuples(st.just("break_line"), st.tuples(inputs, st.booleans())),
    st.tuples(st.just("cancel"), st.tuples(st.integers(0, 3))),
)
times = st.sampled_from(_DEBOUNCE)


@given(
    debounce=st.lists(st.tuples(times, times), min_size=INPUTS, max_size=INPUTS), program=st.lists(steps, max_size=40)
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_small_programs(debounce: list[tuple[int, int]], program: list[tuple[str, tuple[Any, ...]]]) -> None:
    pair = Pair(debounce)
    for action, arguments in program:
        pair.step(action, arguments)
    pair.finish()


def random_step(dice: random.Random) -> tuple[str, tuple[Any, ...]]:
    """Returns a step that is likely to meet others: few lines, few widths, mostly short spans."""
    index, active = dice.randrange(INPUTS), dice.random() < 0.5
    span_ns = dice.choice(_SPANS) if dice.random() < 0.5 else dice.randrange(40 * MS)

    def wish() -> Wish | None:
        if dice.random() < 0.4:
            return None
        return Wish(dice.randrange(INPUTS), dice.random() < 0.5, dice.choice(_STABLE))

    action = dice.choices(
        ["run", "edge", "order", "oversleep", "wake", "change", "lose", "break_line", "cancel"],
        [30, 25, 20, 5, 5, 3, 3, 2, 2],
    )[0]
    arguments: dict[str, tuple[Any, ...]] = {
        "run": (span_ns,),
        "oversleep": (span_ns,),
        "wake": (),
        "edge": (index, active, dice.choice([0, 0, dice.randrange(-5 * MS, 50 * MS)])),
        "change": (index, active),
        "lose": (index, active, dice.randrange(1, 9)),
        "break_line": (index, dice.random() < 0.2),
        "cancel": (dice.randrange(3),),
        "order": (
            dice.randrange(len(LIMITS)),
            dice.choice(_ORDERS),
            dice.choice(_WIDTHS),
            dice.choice(_COUNTS),
            dice.choice(_GAPS),
            wish(),
            wish(),
        ),
    }
    return action, arguments[action]


# A million steps when a long run is asked for.
@pytest.mark.parametrize("seed", range(1000 if os.environ.get("PGOOD_LONG") else 20))
def test_long_programs(seed: int) -> None:
    dice = random.Random(seed)
    pair = Pair([(dice.choice(_DEBOUNCE), dice.choice(_DEBOUNCE)) for _ in range(INPUTS)])
    for _ in range(1000):
        pair.step(*random_step(dice))
    pair.finish()
