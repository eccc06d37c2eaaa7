# SPDX-License-Identifier: Apache-2.0
"""The host state machine: pure decisions. Time and events go in, state and actions come out.

States and timers descend from what x86 server firmware does, without its known weak points: every action is
closed-loop, a failed force-off ends in a fault instead of waiting for ever, and no press is ever repeated by itself.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

from agent.events.event import EventKind
from agent.power.effects import Button, Effect, Finish, HoldUntilOff, PowerGood, Press, PressResult, Tell
from agent.power.request import Action, HostState, Reply, Request, Verdict
from agent.power.timing import MAX_FORCE_OFF_MS, HostTiming

REPORT_GRACE_MS = 5000
"""The engine reports the end of a press well within this after its width; a silence longer is a fault of its own."""


class Phase(enum.Enum):
    """Where a running operation stands."""

    STEADYING = "steadying"
    """Power-good changed a moment ago; the press waits until its precondition can hold."""
    PRESSING = "pressing"
    WAITING = "waiting"
    RESTING = "resting"


@dataclass(frozen=True, slots=True)
class Running:
    """The operation under way."""

    request: Request
    phase: Phase
    deadline_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One host. Every method is pure: it returns the next machine and what is to be done now, in order."""

    timing: HostTiming = field(default_factory=HostTiming)
    state: HostState = HostState.UNKNOWN
    power_good: PowerGood | None = None
    settled_ns: int = 0
    """When power-good was told to have settled; the engine saw it a little earlier."""
    running: Running | None = None
    pressing: bool = False
    """A press or hold is under way; it may outlast its operation, and no other begins before it ends."""
    unverified: bool = False
    reason: str = ""
    blind: str = ""
    """Why power cannot be sensed, where an adapter says so; power-good is None then."""
    level_before: PowerGood | None = None
    """Power-good as it was before it could not be sensed any more."""
    panel_off_ns: int | None = None
    """A person asked for off at the machine itself then: going off is no loss of power for a while."""

    @property
    def deadline_ns(self) -> int | None:
        """Monotonic time at which `expired` is due, or None."""
        return self.running.deadline_ns if self.running else None

    @property
    def powered(self) -> bool:
        """Whether the host has main power, as Chassis Status tells it."""
        return self.power_good is PowerGood.ON

    # ------------------------------------------------------------------ requests

    def ask(self, request: Request, now_ns: int) -> tuple[Machine, list[Effect], Reply]:
        """A request arrives. A reply that is not ACCEPTED is final and nothing was begun."""
        if self.running is not None and not self._may_escalate(request):
            return self, [], Reply(Verdict.BUSY, f"{self.running.request.action.value} is still running")
        if self.pressing:
            return self, [], Reply(Verdict.BUSY, "the last press has not ended yet")
        if self.power_good is None:
            why = f"power cannot be sensed: {self.blind}" if self.blind else "power-good has not settled since start"
            return self, [], Reply(Verdict.NOT_IN_THIS_STATE, why)
        machine, effects, reply = self._begin(request, now_ns)
        steady_ns = self.settled_ns + self.timing.stable_ms * 1_000_000
        if reply.verdict is Verdict.ACCEPTED and now_ns < steady_ns:
            waiting = replace(self, state=machine.state, running=Running(request, Phase.STEADYING, steady_ns))
            return waiting, [effect for effect in effects if isinstance(effect, Finish)], reply
        return machine, effects, reply

    def _begin(self, request: Request, now_ns: int) -> tuple[Machine, list[Effect], Reply]:
        powered = self.power_good is not PowerGood.OFF
        match request.action:
            case Action.ON if powered:
                return self._wake_or_done(request, now_ns)
            case Action.ON:
                return self._begin_on(request, now_ns)
            case Action.SOFT_OFF | Action.FORCE_OFF if not powered:
                return self, [], Reply(Verdict.DONE, "already off")
            case Action.SOFT_OFF if self.power_good is PowerGood.SLEEPING:
                why = "the host sleeps, a short press would wake it: switch it on first, or force it off"
                return self, [], Reply(Verdict.NOT_IN_THIS_STATE, why)
            case Action.SOFT_OFF:
                return self._begin_soft_off(request, now_ns)
            case Action.RESET | Action.CYCLE | Action.NMI if self.power_good is not PowerGood.ON:
                return self, [], Reply(Verdict.NOT_IN_THIS_STATE, f"the host is {self.state.value}")
            case Action.FORCE_OFF:
                return self._begin_hold(request, HostState.POWERING_OFF, now_ns)
            case Action.CYCLE:
                return self._begin_hold(request, HostState.CYCLING, now_ns)
            case Action.RESET:
                return self._begin_press(request, Button.RESET, self.timing.reset_press_ms, now_ns)
            case Action.NMI:
                return self._begin_press(request, Button.NMI, self.timing.nmi_press_ms, now_ns)

    def _may_escalate(self, request: Request) -> bool:
        """A soft off that waits for the operating system may be overtaken by a forced one, and by nothing else."""
        running = self.running
        return (
            running is not None
            and running.request.action is Action.SOFT_OFF
            and running.phase is Phase.WAITING
            and request.action is Action.FORCE_OFF
        )

    def _refuse_unverified(self, request: Request) -> Reply | None:
        if self.unverified and not request.force:
            return Reply(Verdict.UNVERIFIED, f"{self.reason}; check the wiring or insist with --force")
        return None

    def _wake_or_done(self, request: Request, now_ns: int) -> tuple[Machine, list[Effect], Reply]:
        if self.power_good is PowerGood.SLEEPING:
            return self._begin_on(request, now_ns)
        return self, [], Reply(Verdict.DONE, "already on")

    def _begin_on(self, request: Request, now_ns: int) -> tuple[Machine, list[Effect], Reply]:
        refusal = self._refuse_unverified(request)
        if refusal:
            return self, [], refusal
        running = Running(request, Phase.WAITING, now_ns + self._on_within_ns())
        press = self._press(Button.POWER, self.timing.power_press_ms)
        return self._pressing(HostState.POWERING_ON, running), [press], Reply(Verdict.ACCEPTED)

    def _begin_soft_off(self, request: Request, now_ns: int) -> tuple[Machine, list[Effect], Reply]:
        refusal = self._refuse_unverified(request)
        if refusal:
            return self, [], refusal
        running = Running(request, Phase.PRESSING, now_ns + self._report_within_ns(self.timing.power_press_ms))
        press = self._press(Button.POWER, self.timing.power_press_ms)
        return self._pressing(HostState.POWERING_OFF, running), [press], Reply(Verdict.ACCEPTED)

    def _begin_hold(self, request: Request, state: HostState, now_ns: int) -> tuple[Machine, list[Effect], Reply]:
        effects: list[Effect] = []
        if self.running is not None:
            effects.append(Finish(Reply(Verdict.FAILED, "overtaken by a forced off")))
        assert self.power_good is not None
        effects.append(HoldUntilOff(self.timing.force_off_ms, self.power_good, self.timing.stable_ms))
        running = Running(request, Phase.PRESSING, now_ns + self._report_within_ns(self.timing.force_off_ms))
        return self._pressing(state, running), effects, Reply(Verdict.ACCEPTED)

    def _begin_press(
        self, request: Request, button: Button, width_ms: int, now_ns: int
    ) -> tuple[Machine, list[Effect], Reply]:
        running = Running(request, Phase.PRESSING, now_ns + self._report_within_ns(width_ms))
        return replace(self, running=running, pressing=True), [self._press(button, width_ms)], Reply(Verdict.ACCEPTED)

    def _press(self, button: Button, width_ms: int) -> Press:
        assert self.power_good is not None
        return Press(button, width_ms, self.power_good, self.timing.stable_ms)

    def _report_within_ns(self, width_ms: int) -> int:
        return (width_ms + self.timing.act_within_ms + REPORT_GRACE_MS) * 1_000_000

    def _on_within_ns(self) -> int:
        timing = self.timing
        return (timing.power_press_ms + timing.act_within_ms + timing.power_on_timeout_ms) * 1_000_000

    def seized(self, request: Request, now_ns: int) -> tuple[Machine, list[Effect]]:
        """The line engine holds the power button by a rule of its own: from now on that is this request's hold."""
        running = Running(request, Phase.PRESSING, now_ns + self._report_within_ns(MAX_FORCE_OFF_MS))
        return self._pressing(HostState.POWERING_OFF, running), []

    def panel_pressed(self, action: Action, now_ns: int) -> Machine:
        """A person pressed a button that leads past us to the mainboard."""
        return replace(self, panel_off_ns=now_ns if action in (Action.SOFT_OFF, Action.FORCE_OFF) else None)

    # ------------------------------------------------------------------ presses

    def press_ended(self, result: PressResult, detail: str, now_ns: int) -> tuple[Machine, list[Effect]]:
        """The press or hold of the running operation ended."""
        return replace(self, pressing=False)._press_ended(result, detail, now_ns)

    def _press_ended(self, result: PressResult, detail: str, now_ns: int) -> tuple[Machine, list[Effect]]:
        running = self.running
        if running is None:
            return self, []
        if result is PressResult.REFUSED:
            return self._press_refused(running)
        if result is PressResult.FAILED:
            return self._give_up(f"the press failed: {detail}")
        if running.phase is not Phase.PRESSING:
            return self._on_was_sent(running, now_ns), []  # power-good decides, or has decided
        match running.request.action:
            case Action.NMI:
                return self._settled(), [Tell(EventKind.HOST_NMI), Finish(Reply(Verdict.DONE))]
            case Action.SOFT_OFF:
                wait_ms = self.timing.soft_off_timeout_ms
            case Action.RESET:
                wait_ms = self.timing.reset_check_ms
            case _:
                wait_ms = self.timing.off_settle_ms
        waiting = replace(running, phase=Phase.WAITING, deadline_ns=now_ns + wait_ms * 1_000_000)
        return replace(self, running=waiting), []

    def _on_was_sent(self, running: Running, now_ns: int) -> Machine:
        """What an adapter did not need of its time is not waited for."""
        if running.phase is not Phase.WAITING or running.deadline_ns is None or self.timing.act_within_ms == 0:
            return self
        rises_by_ns = now_ns + self.timing.power_on_timeout_ms * 1_000_000
        return replace(self, running=replace(running, deadline_ns=min(running.deadline_ns, rises_by_ns)))

    def _press_refused(self, running: Running) -> tuple[Machine, list[Effect]]:
        """The engine found the host in another state than the decision assumed, and did not press."""
        why = "the host changed state before the press; nothing was pressed"
        told = Tell(EventKind.HOST_ACTION_FAILED, (running.request.action.value, why))
        return self._settled(), [told, Finish(Reply(Verdict.FAILED, why))]

    # ------------------------------------------------------------------ power-good

    def power_good_settled(self, level: PowerGood, now_ns: int) -> tuple[Machine, list[Effect]]:
        """Power-good settled at another level, or settled for the first time."""
        before, machine = self.power_good, replace(self, power_good=level, settled_ns=now_ns, blind="")
        if level is before:
            return self, []
        if before is None:
            return machine._seen_again() if self.blind else (machine._settled(), [])
        machine = replace(machine, unverified=False)
        if level is PowerGood.ON:
            return machine._came_on()
        if level is PowerGood.SLEEPING:
            return machine._fell_asleep()
        return machine._went_off(before, now_ns)

    def power_good_unknown(self, why: str, now_ns: int) -> tuple[Machine, list[Effect]]:
        """Power cannot be sensed any more: what runs ends, for nobody could tell how it ends (safety rule 14)."""
        if self.power_good is None and self.blind:
            return replace(self, blind=why), []
        known = self.level_before if self.power_good is None else self.power_good
        machine = replace(self, power_good=None, settled_ns=now_ns, blind=why, level_before=known)
        lost = Tell(EventKind.HOST_SENSE_LOST, (why,))
        if machine.running is None:
            return machine._settled(), [lost]
        ended, effects = machine._give_up(f"power cannot be sensed any more: {why}")
        return ended, [lost, *effects]

    def _seen_again(self) -> tuple[Machine, list[Effect]]:
        """What happened meanwhile is not known: the state is adopted, as one found at start."""
        assert self.power_good is not None
        same = self.level_before in (None, self.power_good)
        machine = replace(self, unverified=self.unverified and same, level_before=None)
        return machine._settled(), [Tell(EventKind.HOST_SENSE_BACK, (self.power_good.value,))]

    def _came_on(self) -> tuple[Machine, list[Effect]]:
        if self.panel_off_ns is not None:
            return replace(self, panel_off_ns=None)._came_on()
        running = self.running
        effects: list[Effect] = [Tell(EventKind.HOST_ON)]
        if running is None:
            return self._settled(), effects
        action = running.request.action
        if action is Action.ON or (action is Action.CYCLE and running.phase is not Phase.PRESSING):
            return self._settled(), [*effects, Finish(Reply(Verdict.DONE))]
        # Somebody else switched the host on while it was to go off.
        why = "the host was switched on meanwhile"
        return self._settled(), [*effects, Finish(Reply(Verdict.FAILED, why))]

    def _fell_asleep(self) -> tuple[Machine, list[Effect]]:
        effects: list[Effect] = [Tell(EventKind.HOST_SLEEPING)]
        if self.running is None:
            return self._settled(), effects
        return self, effects  # an operation under way goes on to its own end or deadline

    def _went_off(self, before: PowerGood, now_ns: int) -> tuple[Machine, list[Effect]]:
        running = self.running
        if running is None:
            within_ns = self.timing.soft_off_timeout_ms * 1_000_000
            by_hand = self.panel_off_ns is not None and now_ns - self.panel_off_ns <= within_ns
            told = Tell(EventKind.HOST_OFF if by_hand else EventKind.HOST_POWER_LOST)
            return replace(self, panel_off_ns=None)._settled(), [told]
        match running.request.action:
            case Action.SOFT_OFF | Action.FORCE_OFF:
                return self._settled(), [Tell(EventKind.HOST_OFF), Finish(Reply(Verdict.DONE))]
            case Action.CYCLE if running.phase is not Phase.RESTING:
                deadline_ns = now_ns + max(self.timing.cycle_off_ms, self.timing.stable_ms) * 1_000_000
                resting = replace(running, phase=Phase.RESTING, deadline_ns=deadline_ns)
                return self._with(HostState.CYCLING, resting), [Tell(EventKind.HOST_OFF)]
            case action:
                why = "power-good fell meanwhile"
                told = Tell(EventKind.HOST_ACTION_FAILED, (action.value, why))
                return self._settled(), [Tell(EventKind.HOST_POWER_LOST), told, Finish(Reply(Verdict.FAILED, why))]

    # ------------------------------------------------------------------ deadlines

    def expired(self, now_ns: int) -> tuple[Machine, list[Effect]]:
        """The deadline of the running operation passed."""
        running = self.running
        if running is None or running.deadline_ns is None or now_ns < running.deadline_ns:
            return self, []
        if running.phase is Phase.STEADYING:
            machine, effects, reply = replace(self, running=None)._begin(running.request, now_ns)
            if reply.verdict is Verdict.ACCEPTED:
                return machine, effects
            return machine._settled(), [Finish(reply)]  # the host fell asleep meanwhile
        if running.phase is Phase.PRESSING:
            return replace(self, pressing=False)._give_up("the line engine did not report the end of the press")
        match running.request.action:
            case Action.ON:
                return self._power_on_failed(self.timing.power_on_timeout_ms)
            case Action.CYCLE if running.phase is Phase.RESTING:
                return self._end_of_rest(running, now_ns)
            case Action.CYCLE if self.power_good is PowerGood.OFF:
                return self._power_on_failed(self.timing.power_on_timeout_ms)
            case Action.CYCLE | Action.FORCE_OFF:
                return self._power_off_failed()
            case Action.SOFT_OFF:
                why = f"still on {self.timing.soft_off_timeout_ms / 1000:g} s after the press"
                return self._settled(), [
                    Tell(EventKind.HOST_SOFT_OFF_FAILED, (why,)),
                    Finish(Reply(Verdict.FAILED, why)),
                ]
            case Action.RESET:
                return self._settled(), [Tell(EventKind.HOST_RESET), Finish(Reply(Verdict.DONE))]
            case Action.NMI:
                return self._settled(), [Finish(Reply(Verdict.DONE))]

    def _end_of_rest(self, running: Running, now_ns: int) -> tuple[Machine, list[Effect]]:
        waiting = replace(running, phase=Phase.WAITING, deadline_ns=now_ns + self._on_within_ns())
        if self.pressing:
            return self._give_up("the line engine did not report the end of the hold")
        return replace(self, running=waiting, pressing=True), [self._press(Button.POWER, self.timing.power_press_ms)]

    def _power_on_failed(self, timeout_ms: int) -> tuple[Machine, list[Effect]]:
        why = f"power-good did not rise within {timeout_ms / 1000:g} s"
        fault = replace(self._with(HostState.FAULT, None), unverified=True, reason=why)
        return fault, [Tell(EventKind.HOST_POWER_ON_FAILED, (why,)), Finish(Reply(Verdict.FAILED, why))]

    def _power_off_failed(self) -> tuple[Machine, list[Effect]]:
        why = f"power-good is still on after a hold of {self.timing.force_off_ms / 1000:g} s"
        fault = replace(self._with(HostState.FAULT, None), unverified=True, reason=why)
        return fault, [Tell(EventKind.HOST_POWER_OFF_FAILED, (why,)), Finish(Reply(Verdict.FAILED, why))]

    def _give_up(self, why: str) -> tuple[Machine, list[Effect]]:
        assert self.running is not None
        told = Tell(EventKind.HOST_ACTION_FAILED, (self.running.request.action.value, why))
        return self._settled(), [told, Finish(Reply(Verdict.FAILED, why))]

    # ------------------------------------------------------------------ states

    def _pressing(self, state: HostState, running: Running) -> Machine:
        return replace(self, state=state, running=running, pressing=True)

    def _with(self, state: HostState, running: Running | None) -> Machine:
        return replace(self, state=state, running=running)

    def _settled(self) -> Machine:
        """No operation: the state is what power-good says, a standing fault of the sense aside."""
        state = {
            None: HostState.UNKNOWN,
            PowerGood.OFF: HostState.OFF,
            PowerGood.ON: HostState.ON,
            PowerGood.SLEEPING: HostState.SLEEPING,
        }[self.power_good]
        if self.unverified:
            return replace(self, state=HostState.FAULT, running=None)
        return replace(self, state=state, running=None, reason="")
