# SPDX-License-Identifier: Apache-2.0
"""The host state machine: each transition by example, then properties over random orders of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.events.event import EventKind
from agent.power.effects import Button, Finish, HoldUntilOff, PowerGood, Press, PressResult, Tell
from agent.power.machine import Machine, Phase
from agent.power.request import Action, HostState, Reply, Request, Verdict
from agent.power.timing import HostTiming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.power.effects import Effect

MS = 1_000_000
TIMING = HostTiming()
OFF, ON, SLEEPING = PowerGood.OFF, PowerGood.ON, PowerGood.SLEEPING


def found(level: PowerGood) -> Machine:
    machine, effects = Machine(TIMING).power_good_settled(level, -TIMING.stable_ms * MS)
    assert effects == []  # a state found at start is adopted without a word
    return machine


def ask(
    machine: Machine, action: Action, now_ms: int = 0, force: bool = False
) -> tuple[Machine, list[Effect], Verdict]:
    machine, effects, reply = machine.ask(Request(action, "test", force), now_ms * MS)
    return machine, effects, reply.verdict


def kinds(effects: Sequence[Effect]) -> list[EventKind]:
    return [effect.kind for effect in effects if isinstance(effect, Tell)]


def outcome(effects: Sequence[Effect]) -> Verdict | None:
    return next((effect.reply.verdict for effect in effects if isinstance(effect, Finish)), None)


def begun(level: PowerGood, action: Action) -> Machine:
    machine, _, verdict = ask(found(level), action)
    assert verdict is Verdict.ACCEPTED
    return machine


def ended(machine: Machine, now_ms: int, result: PressResult = PressResult.COMPLETED) -> tuple[Machine, list[Effect]]:
    return machine.press_ended(result, "", now_ms * MS)


def test_on_presses_once_and_ends_with_power_good() -> None:
    machine, effects, verdict = ask(found(OFF), Action.ON)
    assert (verdict, machine.state) == (Verdict.ACCEPTED, HostState.POWERING_ON)
    assert effects == [Press(Button.POWER, TIMING.power_press_ms, when=OFF, stable_ms=TIMING.stable_ms)]
    machine, effects = ended(machine, 200)
    assert effects == []
    machine, effects = machine.power_good_settled(ON, 500 * MS)
    assert (machine.state, kinds(effects), outcome(effects)) == (HostState.ON, [EventKind.HOST_ON], Verdict.DONE)


@pytest.mark.parametrize(
    ("level", "action", "verdict"),
    [
        (ON, Action.ON, Verdict.DONE),
        (OFF, Action.SOFT_OFF, Verdict.DONE),
        (OFF, Action.FORCE_OFF, Verdict.DONE),
        (OFF, Action.RESET, Verdict.NOT_IN_THIS_STATE),
        (OFF, Action.CYCLE, Verdict.NOT_IN_THIS_STATE),
        (OFF, Action.NMI, Verdict.NOT_IN_THIS_STATE),
        (SLEEPING, Action.RESET, Verdict.NOT_IN_THIS_STATE),
        (SLEEPING, Action.SOFT_OFF, Verdict.NOT_IN_THIS_STATE),
    ],
)
def test_nothing_is_pressed_when_state_decides(level: PowerGood, action: Action, verdict: Verdict) -> None:
    machine, effects, given = ask(found(level), action)
    assert (given, effects, machine) == (verdict, [], found(level))


def test_nothing_is_pressed_before_power_good_has_settled() -> None:
    _, effects, verdict = ask(Machine(TIMING), Action.ON)
    assert (verdict, effects) == (Verdict.NOT_IN_THIS_STATE, [])


def test_failed_power_on_is_a_fault_and_blocks_further_presses() -> None:
    machine, _ = ended(begun(OFF, Action.ON), 200)
    machine, effects = machine.expired(machine.deadline_ns or 0)
    assert (machine.state, outcome(effects)) == (HostState.FAULT, Verdict.FAILED)
    assert kinds(effects) == [EventKind.HOST_POWER_ON_FAILED]
    _, effects, verdict = ask(machine, Action.ON)
    assert (verdict, effects) == (Verdict.UNVERIFIED, [])
    _, effects, verdict = ask(machine, Action.ON, force=True)
    assert verdict is Verdict.ACCEPTED
    assert len(effects) == 1
    machine, effects = machine.power_good_settled(ON, 99_000 * MS)  # somebody pressed the button by hand
    assert (machine.state, kinds(effects)) == (HostState.ON, [EventKind.HOST_ON])
    _, _, verdict = ask(machine, Action.SOFT_OFF)
    assert verdict is Verdict.ACCEPTED


def test_soft_off_that_is_ignored_returns_to_on_with_a_reported_failure() -> None:
    machine, _ = ended(begun(ON, Action.SOFT_OFF), 200)
    assert machine.state is HostState.POWERING_OFF
    machine, effects = machine.expired(200 * MS + TIMING.soft_off_timeout_ms * MS)
    assert (machine.state, outcome(effects)) == (HostState.ON, Verdict.FAILED)
    assert kinds(effects) == [EventKind.HOST_SOFT_OFF_FAILED]


def test_soft_off_ends_with_power_good() -> None:
    machine, _ = ended(begun(ON, Action.SOFT_OFF), 200)
    machine, effects = machine.power_good_settled(OFF, 3000 * MS)
    assert (machine.state, kinds(effects), outcome(effects)) == (HostState.OFF, [EventKind.HOST_OFF], Verdict.DONE)


def test_forced_off_may_overtake_a_soft_off_that_waits_and_nothing_else_may() -> None:
    pressing = begun(ON, Action.SOFT_OFF)
    waiting, _ = ended(pressing, 200)
    assert ask(pressing, Action.FORCE_OFF)[2] is Verdict.BUSY
    for action in set(Action) - {Action.FORCE_OFF}:
        assert ask(waiting, action)[2] is Verdict.BUSY
    machine, effects, verdict = ask(waiting, Action.FORCE_OFF)
    assert (verdict, machine.state, outcome(effects)) == (Verdict.ACCEPTED, HostState.POWERING_OFF, Verdict.FAILED)
    assert isinstance(effects[-1], HoldUntilOff)


def test_forced_off_that_does_nothing_is_a_fault() -> None:
    machine, _ = ended(begun(ON, Action.FORCE_OFF), 15_000, PressResult.LIMIT_REACHED)
    machine, effects = machine.expired((15_000 + TIMING.off_settle_ms) * MS)
    assert (machine.state, outcome(effects)) == (HostState.FAULT, Verdict.FAILED)
    assert kinds(effects) == [EventKind.HOST_POWER_OFF_FAILED]
    assert ask(machine, Action.SOFT_OFF)[2] is Verdict.UNVERIFIED
    assert ask(machine, Action.FORCE_OFF)[2] is Verdict.ACCEPTED  # rule 5 speaks of on and soft presses


@pytest.mark.parametrize("hold_ends_first", [True, False])
def test_cycle_tells_one_off_and_one_on(hold_ends_first: bool) -> None:
    machine = begun(ON, Action.CYCLE)
    told: list[EventKind] = []
    if hold_ends_first:
        machine, _ = ended(machine, 4000)
    machine, effects = machine.power_good_settled(OFF, 4010 * MS)
    told += kinds(effects)
    if not hold_ends_first:
        machine, effects = ended(machine, 4020)
        assert effects == []
    assert machine.state is HostState.CYCLING
    assert machine.deadline_ns == (4010 + TIMING.cycle_off_ms) * MS
    machine, effects = machine.expired(machine.deadline_ns)
    assert effects == [Press(Button.POWER, TIMING.power_press_ms, when=OFF, stable_ms=TIMING.stable_ms)]
    machine, _ = ended(machine, 9300)
    machine, effects = machine.power_good_settled(ON, 9700 * MS)
    told += kinds(effects)
    assert told == [EventKind.HOST_OFF, EventKind.HOST_ON]
    assert (machine.state, outcome(effects)) == (HostState.ON, Verdict.DONE)


def test_host_that_comes_back_by_itself_ends_the_cycle_without_a_press() -> None:
    machine, _ = begun(ON, Action.CYCLE).power_good_settled(OFF, 4000 * MS)
    machine, effects = machine.power_good_settled(ON, 4500 * MS)
    assert (machine.state, outcome(effects)) == (HostState.ON, Verdict.DONE)
    assert machine.deadline_ns is None


def test_reset_keeps_the_state_and_tells_its_outcome() -> None:
    machine, effects, _ = ask(found(ON), Action.RESET)
    assert effects == [Press(Button.RESET, TIMING.reset_press_ms, when=ON, stable_ms=TIMING.stable_ms)]
    assert machine.state is HostState.ON
    machine, _ = ended(machine, 500)
    machine, effects = machine.expired((500 + TIMING.reset_check_ms) * MS)
    assert (kinds(effects), outcome(effects), machine.running) == ([EventKind.HOST_RESET], Verdict.DONE, None)


def test_nmi_tells_its_outcome() -> None:
    machine, effects = ended(begun(ON, Action.NMI), 200)
    assert (kinds(effects), outcome(effects), machine.state) == ([EventKind.HOST_NMI], Verdict.DONE, HostState.ON)


def test_unexpected_loss_is_told() -> None:
    machine, effects = found(ON).power_good_settled(OFF, 0)
    assert (machine.state, kinds(effects)) == (HostState.OFF, [EventKind.HOST_POWER_LOST])


def test_blinking_is_sleep_and_no_loss() -> None:
    machine, effects = found(ON).power_good_settled(SLEEPING, 0)
    assert (machine.state, kinds(effects)) == (HostState.SLEEPING, [EventKind.HOST_SLEEPING])


def test_press_that_the_engine_refused_is_reported_and_not_repeated() -> None:
    machine, effects = begun(OFF, Action.ON).press_ended(PressResult.REFUSED, "", 1)
    assert (machine.state, outcome(effects)) == (HostState.OFF, Verdict.FAILED)
    assert kinds(effects) == [EventKind.HOST_ACTION_FAILED]


def test_press_that_outlasts_its_operation_keeps_others_away() -> None:
    machine, effects = begun(OFF, Action.ON).power_good_settled(ON, 100 * MS)
    assert (machine.state, outcome(effects)) == (HostState.ON, Verdict.DONE)
    assert ask(machine, Action.SOFT_OFF)[2] is Verdict.BUSY
    machine, _ = ended(machine, 200)
    assert ask(machine, Action.SOFT_OFF)[2] is Verdict.ACCEPTED


def test_press_waits_until_power_good_has_been_steady() -> None:
    machine, _ = begun(ON, Action.FORCE_OFF).power_good_settled(OFF, 4000 * MS)
    machine, _ = ended(machine, 4001)
    machine, effects, reply = machine.ask(Request(Action.ON, "test"), 4060 * MS)
    assert (reply.verdict, machine.state, effects) == (Verdict.ACCEPTED, HostState.POWERING_ON, [])
    assert machine.deadline_ns == (4000 + TIMING.stable_ms) * MS
    machine, effects = machine.expired(machine.deadline_ns)
    assert effects == [Press(Button.POWER, TIMING.power_press_ms, when=OFF, stable_ms=TIMING.stable_ms)]


def test_waiting_press_is_dropped_when_the_host_comes_on_by_itself() -> None:
    machine, _ = found(ON).power_good_settled(OFF, 4000 * MS)
    machine, _, _ = machine.ask(Request(Action.ON, "test"), 4001 * MS)
    machine, effects = machine.power_good_settled(ON, 4050 * MS)
    assert (machine.state, outcome(effects), machine.running) == (HostState.ON, Verdict.DONE, None)


def test_silent_line_engine_does_not_hang_an_operation() -> None:
    machine = begun(ON, Action.RESET)
    machine, effects = machine.expired(machine.deadline_ns or 0)
    assert (outcome(effects), machine.running) == (Verdict.FAILED, None)


class AnyOrder(RuleBasedStateMachine):
    """Requests, power-good, ends of presses and time in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine(TIMING)
        self.now_ns = 0
        self.pressing = False
        self.open_operations = 0
        self.on_presses = 0

    def _take(self, machine: Machine, effects: list[Effect], insisted: bool = False) -> None:
        before, self.machine = self.machine, machine
        for effect in effects:
            match effect:
                case Press(button=button, when=when):
                    assert not self.pressing, "a press while another is under way"
                    assert when is before.power_good, "a press under another condition than the decision's"
                    assert machine.running is not None, "a press that nobody asked for"
                    if button is Button.POWER and machine.running.request.action is not Action.CYCLE:
                        assert insisted or not before.unverified, "a press on an unverified sense"
                    self.pressing = True
                case HoldUntilOff(when=when):
                    assert not self.pressing
                    assert when is before.power_good is not OFF, "a hold on a host that is off would start it"
                    self.pressing = True
                case Finish():
                    self.open_operations -= 1
                case Tell():
                    pass

    @rule(action=st.sampled_from(Action), force=st.booleans())
    def request(self, action: Action, force: bool) -> None:
        machine, effects, reply = self.machine.ask(Request(action, "test", force), self.now_ns)
        if reply.verdict is Verdict.ACCEPTED:
            self.open_operations += 1
        else:
            assert (machine, effects) == (self.machine, [])
        self._take(machine, effects, force)

    @rule(level=st.sampled_from(PowerGood))
    def power_good(self, level: PowerGood) -> None:
        self._take(*self.machine.power_good_settled(level, self.now_ns))

    @rule()
    def sense_is_lost(self) -> None:
        self._take(*self.machine.power_good_unknown("nobody answers", self.now_ns))
        assert self.machine.running is None

    @precondition(lambda self: self.pressing)
    @rule(result=st.sampled_from(PressResult))
    def press_ends(self, result: PressResult) -> None:
        self.pressing = False
        self._take(*self.machine.press_ended(result, "why", self.now_ns))

    @rule(passed_ms=st.integers(0, 400_000))
    def time_passes(self, passed_ms: int) -> None:
        # The engine always reports in time: a press that is under way holds the clock before its grace is over.
        self.now_ns += (min(passed_ms, 100) if self.pressing else passed_ms) * MS
        self._take(*self.machine.expired(self.now_ns))

    @invariant()
    def every_accepted_operation_ends_once(self) -> None:
        assert self.open_operations == (1 if self.machine.running else 0)

    @invariant()
    def a_running_operation_has_a_deadline(self) -> None:
        assert self.machine.running is None or self.machine.deadline_ns is not None

    @invariant()
    def at_rest_the_state_is_what_power_good_says(self) -> None:
        if self.machine.running is None:
            told = {None: HostState.UNKNOWN, OFF: HostState.OFF, ON: HostState.ON, SLEEPING: HostState.SLEEPING}
            assert self.machine.state is (HostState.FAULT if self.machine.unverified else told[self.machine.power_good])
            assert self.machine.state is HostState.FAULT or self.machine.reason == ""

    @invariant()
    def rest_is_only_of_a_cycle(self) -> None:
        running = self.machine.running
        if running is not None and running.phase is Phase.RESTING:
            assert running.request.action is Action.CYCLE


def test_a_lost_sense_ends_what_runs_and_says_why() -> None:
    waiting, _ = ended(begun(ON, Action.SOFT_OFF), 300)
    machine, effects = waiting.power_good_unknown("the broker is away", 1000 * MS)
    assert (machine.state, machine.blind, machine.power_good) == (HostState.UNKNOWN, "the broker is away", None)
    assert kinds(effects) == [EventKind.HOST_SENSE_LOST, EventKind.HOST_ACTION_FAILED]
    _, _, reply = machine.ask(Request(Action.ON, "test"), 2000 * MS)
    assert reply == Reply(Verdict.NOT_IN_THIS_STATE, "power cannot be sensed: the broker is away")
    machine, effects = machine.power_good_settled(OFF, 3000 * MS)
    assert (machine.state, machine.blind, kinds(effects)) == (HostState.OFF, "", [EventKind.HOST_SENSE_BACK])


def test_the_first_loss_is_told_and_a_new_reason_is_not() -> None:
    machine, effects = Machine(TIMING).power_good_unknown("a", 0)
    assert kinds(effects) == [EventKind.HOST_SENSE_LOST]
    machine, effects = machine.power_good_unknown("b", 1)
    assert (machine.blind, effects) == ("b", [])


@pytest.mark.parametrize(("back", "state"), [(OFF, HostState.FAULT), (ON, HostState.ON)])
def test_a_fault_outlives_a_lost_sense_unless_power_is_seen_to_have_changed(back: PowerGood, state: HostState) -> None:
    machine, _ = begun(OFF, Action.ON).expired(99_000 * MS)
    assert machine.state is HostState.FAULT
    machine, _ = machine.power_good_unknown("away", 100_000 * MS)
    assert machine.state is HostState.FAULT
    machine, _ = machine.power_good_settled(back, 101_000 * MS)
    assert machine.state is state


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
