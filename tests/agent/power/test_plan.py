# SPDX-License-Identifier: Apache-2.0
"""Plans over random boards, outcomes, refusals and times: dependencies, limits and ends hold in any order of events."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.power.admission import make_plan
from agent.power.domain import Domain, DomainType
from agent.power.gate import Policy, Refusal
from agent.power.graph import DomainGraph
from agent.power.plan import STARTS, Ask, DomainFacts, End, Facts, Plan, StepState
from agent.power.policy import SequencingPolicies
from agent.power.request import Action, HostState, Reply, Verdict

if TYPE_CHECKING:
    from agent.power.plan import PlanEffect

NS = 1_000_000_000
MS = 1_000_000
SLOTS = 1
NAMES = ("fans", "main", "a", "b", "c")
BOARD = DomainGraph(
    (
        Domain("fans", DomainType.AUX, start_delay_ms=200),
        Domain("main", DomainType.CHASSIS, ("fans",), start_delay_ms=500, stop_delay_ms=300),
        Domain("a", DomainType.HOST, ("main",), stop_delay_ms=100),
        Domain("b", DomainType.HOST, ("main", "a")),
        Domain("c", DomainType.HOST),
    )
)
OK = Reply(Verdict.DONE)
ACTIONS = (Action.ON, Action.SOFT_OFF, Action.FORCE_OFF)


@dataclass
class World:
    """Every unit does as it is told, later, or fails; whoever asks too much is caught."""

    plan: Plan
    now_ns: int = 0
    states: dict[str, DomainFacts] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    pending: dict[str, Action] = field(default_factory=dict)
    asked: list[tuple[str, Action, int]] = field(default_factory=list)
    end: Reply | None = None

    def go_on(self) -> None:
        while True:
            used = sum(action in STARTS for action in self.pending.values())
            facts = Facts(self.states, SLOTS - used, lambda name, _: self.refusals.get(name))
            self.plan, effects = self.plan.advance(facts, self.now_ns)
            if not self.take(effects):
                return

    def take(self, effects: list[PlanEffect]) -> bool:
        begun = False
        for effect in effects:
            match effect:
                case Ask(domain=name, action=action):
                    begun = True
                    self.check(name, action)
                    self.asked.append((name, action, self.now_ns))
                    self.pending[name] = action
                    changing = HostState.POWERING_ON if action in STARTS else HostState.POWERING_OFF
                    if self.states[name].state is (HostState.ON if action is Action.ON else HostState.OFF):
                        self.finish(name, True)
                    else:
                        self.states[name] = DomainFacts(changing, self.now_ns)
                case End(reply=reply):
                    assert self.end is None
                    self.end = reply
        return begun

    def check(self, name: str, action: Action) -> None:
        assert name not in self.pending, "two at a time on one domain"
        if action is Action.ON and self.states[name].state is not HostState.ON:
            for need in BOARD.needs(name):
                there = self.states[need]
                assert there.state is HostState.ON, f"{name} started without {need}"
                assert self.now_ns - there.since_ns >= BOARD.domains[need].start_delay_ms * MS
            assert name not in self.refusals
            starting = [other for other, what in self.pending.items() if what in STARTS]
            assert len(starting) < SLOTS
        if action in (Action.SOFT_OFF, Action.FORCE_OFF):
            for dependent in BOARD.dependents(name):
                assert self.states[dependent].state is HostState.OFF, f"{dependent} lost {name}"

    def finish(self, name: str, good: bool) -> None:
        action = self.pending.pop(name)
        if good:
            state = HostState.ON if action in STARTS else HostState.OFF
            if self.states[name].state is not state:
                self.states[name] = DomainFacts(state, self.now_ns)
        else:
            back = HostState.FAULT if action is Action.ON else HostState.ON
            self.states[name] = DomainFacts(back, self.now_ns)
        self.plan, effects = self.plan.ended(name, OK if good else Reply(Verdict.FAILED, "no"))
        self.take(effects)


def begin(wants: dict[str, Action], on: set[str], policies: SequencingPolicies) -> World | Reply:
    states = {name: DomainFacts(HostState.ON if name in on else HostState.OFF, -NS) for name in NAMES}
    plan = make_plan(BOARD, states, policies, wants, ())
    return plan if isinstance(plan, Reply) else World(plan, states=states)


def run(world: World) -> Reply:
    """Everything that is asked for succeeds at once; time passes where nothing else does."""
    world.go_on()
    for _ in range(200):
        if world.end is not None:
            return world.end
        if world.pending:
            world.now_ns += 10 * MS
            world.finish(next(iter(world.pending)), True)
        else:
            assert world.plan.look_again_ns is not None, "it waits for nothing"
            world.now_ns = max(world.now_ns + 1, world.plan.look_again_ns)
        world.go_on()
    raise AssertionError("no end")


def test_needs_come_first_with_their_delays_and_staggered() -> None:
    world = begin({"b": Action.ON}, set(), SequencingPolicies(stagger_s=1.0))
    assert isinstance(world, World)
    assert run(world) == OK or world.end == Reply(Verdict.DONE)
    assert [name for name, _, _ in world.asked] == ["fans", "main", "a", "b"]
    times = [at_ns for _, _, at_ns in world.asked]
    assert all(later - earlier >= NS for earlier, later in itertools.pairwise(times))


def test_what_is_still_needed_is_not_taken_away() -> None:
    refused = begin({"main": Action.FORCE_OFF}, set(NAMES), SequencingPolicies())
    assert isinstance(refused, Reply)
    assert refused.verdict is Verdict.BLOCKED
    assert "host/a needs it and is on" in refused.reason


def test_needs_that_must_be_on_already() -> None:
    refused = begin({"a": Action.ON}, set(), SequencingPolicies(start_needs=False))
    assert isinstance(refused, Reply)
    assert "needs aux/fans, which is off" in refused.reason


def test_an_ignored_shutdown_may_be_forced() -> None:
    for force in (False, True):
        world = begin({"c": Action.SOFT_OFF}, {"c"}, SequencingPolicies(force_after_soft=force))
        assert isinstance(world, World)
        world.go_on()
        world.finish("c", False)
        world.go_on()
        assert [action for _, action, _ in world.asked] == [Action.SOFT_OFF, Action.FORCE_OFF][: 1 + force]


def test_a_refusal_that_others_may_cure_is_waited_for() -> None:
    policies = SequencingPolicies(stagger_s=0, step_s=5)
    world = begin({"main": Action.ON}, set(), policies)
    assert isinstance(world, World)
    world.refusals["main"] = Refusal(Policy.COOLING, "0 rpm", "wait for the fans")
    world.go_on()
    world.finish("fans", True)
    world.now_ns += NS
    world.go_on()
    assert world.plan.steps["main"].state is StepState.WAITING
    del world.refusals["main"]
    assert run(world).verdict is Verdict.DONE
    world = begin({"main": Action.ON}, {"fans"}, policies)
    assert isinstance(world, World)
    world.refusals["main"] = Refusal(Policy.COOLING, "0 rpm", "wait for the fans")
    world.go_on()  # nothing is under way that could cure it
    assert world.end == Reply(Verdict.BLOCKED, "cooling-running: 0 rpm; wait for the fans")


def test_rollback_lowers_only_what_it_raised_and_nothing_runs_on() -> None:
    for rollback in (False, True):
        world = begin({"b": Action.ON}, set(), SequencingPolicies(stagger_s=0, rollback=rollback))
        assert isinstance(world, World)
        world.go_on()
        world.finish("fans", True)
        world.now_ns += NS
        world.go_on()
        world.finish("main", True)
        world.now_ns += NS
        world.go_on()
        world.finish("a", False)
        world.states["a"] = DomainFacts(HostState.OFF, world.now_ns)
        end = run(world)
        assert end.verdict is Verdict.FAILED
        lowered = [name for name, action, _ in world.asked if action is Action.FORCE_OFF]
        assert lowered == (["main", "fans"] if rollback else [])


@settings(max_examples=int(os.environ.get("PGOOD_EXAMPLES", "300")), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.sampled_from([Action.ON, Action.SOFT_OFF, Action.FORCE_OFF]), min_size=1
    ),
    st.sets(st.sampled_from(NAMES)),
    st.builds(
        SequencingPolicies,
        stagger_s=st.sampled_from([0.0, 0.5]),
        step_s=st.just(2.0),
        rollback=st.booleans(),
        start_needs=st.booleans(),
        force_after_soft=st.booleans(),
    ),
    st.lists(
        st.one_of(
            st.tuples(st.just("finish"), st.integers(0, 4), st.booleans()),
            st.tuples(st.just("time"), st.integers(1, 3000), st.booleans()),
            st.tuples(st.just("refuse"), st.sampled_from(range(5)), st.booleans()),
            st.tuples(st.just("lose"), st.sampled_from(range(5)), st.booleans()),
            st.tuples(st.just("abort"), st.just(0), st.booleans()),
        ),
        max_size=40,
    ),
)
def test_any_order_of_events(
    wants: dict[str, Action], on: set[str], policies: SequencingPolicies, events: list[tuple[str, int, bool]]
) -> None:
    actions = set(wants.values())
    if Action.ON in actions and len(actions) > 1:
        wants = {name: action for name, action in wants.items() if action is Action.ON}
    closed = {name for name in on if set(BOARD.with_needs([name])) <= on}
    world = begin(wants, closed, policies)
    if isinstance(world, Reply):
        assert world.verdict is Verdict.BLOCKED
        return
    world.go_on()
    for kind, value, flag in events:
        if world.end is not None:
            break
        if kind == "finish" and world.pending:
            world.finish(sorted(world.pending)[value % len(world.pending)], flag)
        elif kind == "time":
            world.now_ns += value * MS
        elif kind == "refuse":
            world.refusals[NAMES[value]] = Refusal(Policy.COOLING, "hot", "cool it", None)
            if flag:
                world.refusals.pop(NAMES[value])
        elif kind == "lose" and NAMES[value] not in world.pending:
            lost = [name for name in BOARD.with_dependents([NAMES[value]]) if name not in world.pending]
            if len(lost) == len(BOARD.with_dependents([NAMES[value]])):
                for name in lost:
                    world.states[name] = replace(world.states[name], state=HostState.OFF)
        elif kind == "abort":
            world.plan, effects = world.plan.abort(Reply(Verdict.ABORTED, "by a person"))
            world.take(effects)
        world.go_on()
    world.refusals.clear()
    if world.end is None:
        run(world)
    assert world.plan.over
    assert not world.pending
