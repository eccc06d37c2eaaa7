# SPDX-License-Identifier: Apache-2.0
"""One operation over one domain or several, in the order of their dependencies. Pure: facts and time in, effects out.

A start goes from what is needed to what needs it, a shutdown the other way. A step is asked for only when what it rests
on is seen to be so, never because a time has passed; what fails leaves the rest of the board as it is (safety rule 6).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.power.domain import DomainType
from agent.power.gate import Policy
from agent.power.request import Action, HostState, Reply, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.power.gate import Refusal
    from agent.power.graph import DomainGraph
    from agent.power.policy import SequencingPolicies

NS = 1_000_000_000
MS = 1_000_000
STARTS = frozenset({Action.ON, Action.CYCLE, Action.RESET})
"""Actions that draw power or count against the limit of concurrent operations."""
STOPS = frozenset({Action.SOFT_OFF, Action.FORCE_OFF})
CURED_BY_OTHERS = frozenset({Policy.COOLING, Policy.CAPACITY, Policy.POWER_GOOD, Policy.CONCURRENCY})
"""Refusals that may clear while other steps of the operation go on."""


class StepState(enum.Enum):
    WAITING = "waiting"
    ASKED = "asked"
    ENDED = "ended"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One domain's part."""

    domain: str
    action: Action
    state: StepState = StepState.WAITING
    held_since_ns: int | None = None
    """Since then only a gate has held it back."""
    noted: str = ""
    """What it waits for, so that the same is noted once."""
    reply: Reply | None = None

    @property
    def good(self) -> bool:
        return self.reply is not None and self.reply.verdict.good

    @property
    def over(self) -> bool:
        return self.state in (StepState.ENDED, StepState.SKIPPED)


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """What a domain's unit says: its state, and the monotonic time since which it is in it."""

    state: HostState
    since_ns: int


@dataclass(frozen=True, slots=True)
class Facts:
    """The board at one instant."""

    domains: Mapping[str, DomainFacts]
    free_slots: int
    """So many more starts may be under way."""
    refusal: Callable[[str, Action], Refusal | None]
    """What the gates say about an action on a domain."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the unit of a domain; its reply or outcome comes back through `Plan.ended`."""

    domain: str
    action: Action


@dataclass(frozen=True, slots=True)
class Note:
    """A step of the operation's record."""

    text: str


@dataclass(frozen=True, slots=True)
class End:
    reply: Reply


PlanEffect = Ask | Note | End


@dataclass(frozen=True, slots=True)
class Plan:
    """Every method is pure: it returns the next plan and what is to be done, in order."""

    graph: DomainGraph
    policies: SequencingPolicies
    steps: Mapping[str, Step] = field(default_factory=dict)
    """By domain, in the order in which they are looked at."""
    last_start_ns: int | None = None
    look_again_ns: int | None = None
    """Time alone may let it go on then."""
    aborted: Reply | None = None
    failure: Reply | None = None
    """Set while it rolls back."""
    over: bool = False

    # ------------------------------------------------------------------ going on

    def advance(self, facts: Facts, now_ns: int) -> tuple[Plan, list[PlanEffect]]:
        """Ask for everything that can be asked for now."""
        if self.over:
            return self, []
        plan, effects = replace(self, look_again_ns=None), list[PlanEffect]()
        for name in self.steps:
            step = plan.steps[name]
            if step.state is not StepState.WAITING:
                continue
            plan, told = plan._try(step, facts, now_ns)
            effects += told
            if any(isinstance(effect, Ask) for effect in told) and step.action in STARTS:
                facts = replace(facts, free_slots=facts.free_slots - 1)
        if all(step.over for step in plan.steps.values()):
            plan, told = plan._finish(facts)
            effects += told
        return plan, effects

    def ended(self, domain: str, reply: Reply) -> tuple[Plan, list[PlanEffect]]:
        """The unit's final reply, or its outcome. Call `advance` next."""
        step = self.steps[domain]
        ignored = step.action is Action.SOFT_OFF and reply.verdict is Verdict.FAILED
        if ignored and self.policies.force_after_soft and not self.aborted:
            forced = Step(domain, Action.FORCE_OFF)
            return self._with(forced), [Note(f"{self._source(domain)}: {reply.reason}; it is forced off")]
        why = f": {reply.reason}" if reply.reason else ""
        text = f"{self._source(domain)}: {step.action.value} {reply.verdict.value}{why}"
        return self._with(replace(step, state=StepState.ENDED, reply=reply)), [Note(text)]

    def abort(self, reply: Reply) -> tuple[Plan, list[PlanEffect]]:
        """Begin nothing more. What was asked for goes on to its end: a press is not broken off. Call `advance` next."""
        plan = replace(self, aborted=reply)
        for step in self.steps.values():
            if step.state is StepState.WAITING:
                plan = plan._with(replace(step, state=StepState.SKIPPED, reply=reply))
        return plan, [Note(f"{reply.verdict.value}: {reply.reason}")]

    # ------------------------------------------------------------------ one step

    def _try(self, step: Step, facts: Facts, now_ns: int) -> tuple[Plan, list[PlanEffect]]:
        if step.action in STOPS:
            return self._try_stop(step, facts, now_ns)
        return self._try_start(step, facts, now_ns)

    def _try_start(self, step: Step, facts: Facts, now_ns: int) -> tuple[Plan, list[PlanEffect]]:
        if step.action is Action.ON and facts.domains[step.domain].state is HostState.ON:
            return self._asked(step)  # nothing will be started: no turn to wait for
        for need in self.graph.needs(step.domain):
            planned, there = self.steps.get(need), facts.domains[need]
            if there.state is not HostState.ON:
                if planned is not None and not planned.over:
                    return self._wait(step, f"for {self._source(need)}", None)
                if planned is None and there.state is HostState.POWERING_ON:
                    return self._wait(step, f"for {self._source(need)}", None)
                return self._skip(step, f"needs {self._source(need)}, which is {there.state.value}")
            rested_ns = there.since_ns + self.graph.domains[need].start_delay_ms * MS
            if now_ns < rested_ns:
                return self._wait(step, f"until {self._source(need)} has been on long enough", rested_ns)
        if self.last_start_ns is not None and step.action in STARTS:
            staggered_ns = self.last_start_ns + round(self.policies.stagger_s * NS)
            if now_ns < staggered_ns:
                return self._wait(step, "for its turn", staggered_ns)
        if step.action in STARTS and facts.free_slots < 1:
            return self._wait(step, "for other operations to end", None)
        refusal = facts.refusal(step.domain, step.action)
        if refusal is not None:
            return self._held_back(step, refusal, now_ns)
        started_ns = now_ns if step.action in STARTS else self.last_start_ns
        return replace(self, last_start_ns=started_ns)._asked(step)

    def _try_stop(self, step: Step, facts: Facts, now_ns: int) -> tuple[Plan, list[PlanEffect]]:
        for dependent in self.graph.dependents(step.domain):
            planned, there = self.steps.get(dependent), facts.domains[dependent]
            if planned is not None and not planned.over:
                return self._wait(step, f"for {self._source(dependent)}", None)
            if there.state is not HostState.OFF:
                return self._skip(step, f"{self._source(dependent)} needs it and is {there.state.value}")
            rested_ns = there.since_ns + self.graph.domains[dependent].stop_delay_ms * MS
            if now_ns < rested_ns:
                return self._wait(step, f"until {self._source(dependent)} has been off long enough", rested_ns)
        return self._asked(step)

    def _held_back(self, step: Step, refusal: Refusal, now_ns: int) -> tuple[Plan, list[PlanEffect]]:
        since_ns = now_ns if step.held_since_ns is None else step.held_since_ns
        until_ns = since_ns + round(self.policies.step_s * NS)
        clears_in_time = refusal.clears_ns is not None and refusal.clears_ns <= until_ns
        others = any(not other.over for other in self.steps.values() if other is not step) or self._followed_others()
        may_be_cured = refusal.policy in CURED_BY_OTHERS and others
        if not clears_in_time and (not may_be_cured or now_ns >= until_ns):
            ended = replace(step, state=StepState.ENDED, reply=Reply(Verdict.BLOCKED, refusal.text))
            return self._with(ended), [Note(f"{self._source(step.domain)}: {refusal.text}")]
        held = replace(step, held_since_ns=since_ns)
        return self._wait(held, f"for {refusal.text}", refusal.clears_ns if clears_in_time else until_ns)

    def _followed_others(self) -> bool:
        return any(step.state is StepState.ENDED for step in self.steps.values())

    def _asked(self, step: Step) -> tuple[Plan, list[PlanEffect]]:
        return self._with(replace(step, state=StepState.ASKED)), [Ask(step.domain, step.action)]

    def _wait(self, step: Step, what: str, until_ns: int | None) -> tuple[Plan, list[PlanEffect]]:
        plan = self
        if until_ns is not None and (plan.look_again_ns is None or until_ns < plan.look_again_ns):
            plan = replace(plan, look_again_ns=until_ns)
        if step.noted == what:
            return plan if self.steps[step.domain] is step else plan._with(step), []
        return plan._with(replace(step, noted=what)), [Note(f"{self._source(step.domain)}: waits {what}")]

    def _skip(self, step: Step, why: str) -> tuple[Plan, list[PlanEffect]]:
        refusal = f"{Policy.DEPENDENCIES.value}: {why}"
        skipped = replace(step, state=StepState.SKIPPED, reply=Reply(Verdict.BLOCKED, refusal))
        return self._with(skipped), [Note(f"{self._source(step.domain)}: left alone, {why}")]

    # ------------------------------------------------------------------ the end

    def _finish(self, facts: Facts) -> tuple[Plan, list[PlanEffect]]:
        reply = self.failure or self._summed_up()
        if self.failure is None and self.policies.rollback and not reply.verdict.good:
            back = self._to_lower(facts)
            if back:
                rolling = replace(self, steps={name: Step(name, Action.FORCE_OFF) for name in back}, failure=reply)
                names = ", ".join(map(self._source, back))
                return replace(rolling, look_again_ns=0), [Note(f"rolls back: {names}")]
        return replace(self, over=True, look_again_ns=None), [End(reply)]

    def _to_lower(self, facts: Facts) -> list[str]:
        """What this operation raised and nothing runs on, dependents first (safety rule 6)."""
        raised = [
            step.domain
            for step in self.steps.values()
            if step.action is Action.ON
            and step.state is StepState.ENDED
            and self.graph.domains[step.domain].type is not DomainType.HOST
            and step.reply != ALREADY_ON
        ]
        lowered: list[str] = []
        for name in reversed(raised):
            dependents = [one for one in self.graph.dependents(name) if one not in lowered]
            if all(facts.domains[one].state is HostState.OFF for one in dependents):
                lowered.append(name)
        return lowered

    def _summed_up(self) -> Reply:
        replies = {step.domain: step.reply for step in self.steps.values() if step.reply is not None}
        if self.aborted is not None and self.aborted in replies.values():
            return self.aborted
        if len(replies) == 1:
            return next(iter(replies.values()))
        bad = [
            f"{self._source(name)}: {reply.verdict.value} {reply.reason}".strip()
            for name, reply in replies.items()
            if not reply.verdict.good
        ]
        return Reply(Verdict.FAILED, "; ".join(bad)) if bad else Reply(Verdict.DONE)

    def _source(self, name: str) -> str:
        return self.graph.domains[name].source

    def _with(self, step: Step) -> Plan:
        return replace(self, steps={**self.steps, step.domain: step})


ALREADY_ON = Reply(Verdict.DONE, "already on")
"""What a unit answers that had nothing to do; an operation has not raised such a domain."""
