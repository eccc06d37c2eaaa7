# SPDX-License-Identifier: Apache-2.0
"""The power manager: every request of every face comes here, is checked, admitted as an operation and carried out."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.power.active import LATE, Active, KeyedReplies
from agent.power.admission import make_plan
from agent.power.gate import Policy
from agent.power.operation_log import of_operation
from agent.power.plan import STARTS, Ask, DomainFacts, End, Facts, Note, Plan, PlanEffect, StepState
from agent.power.request import Action, HostState, Reply, Request, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from agent.power.graph import DomainGraph
    from agent.power.operations import Operations
    from agent.power.plan import Step
    from agent.power.policy import PowerPolicies
    from agent.power.safety import Safety
    from agent.power.unit import Unit

log = logging.getLogger(__name__)

NS = 1_000_000_000
LOOK_AGAIN_S = 0.25
"""While something is held back by a gate, whose readings tell nobody when they change."""
SETTLED_LOAD_S = 5.0
"""What was switched on shows in the readings of the supplies so long after."""


class PowerManager:
    """Used on the loop's thread. One operation at most works on a domain at any time."""

    def __init__(
        self,
        graph: DomainGraph,
        units: Mapping[str, Unit],
        facts: dict[str, DomainFacts],
        safety: Safety,
        operations: Operations,
        policies: Callable[[], PowerPolicies],
        emit: Callable[..., object],
        audit: Callable[[Request, str, tuple[str, ...], Reply, str | None], None] = lambda *_: None,
    ) -> None:
        """`facts` is kept here and read by others; `audit(request, what, sources, reply, operation)` hears of all."""
        self.graph = graph
        self.operations = operations
        self._units = units
        self._facts = facts
        self._safety = safety
        self._policies = policies
        self._emit = emit
        self._audit = audit
        self._loop = asyncio.get_running_loop()
        self._active: list[Active] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pumping = False
        self._pump_again = False
        self._keyed = KeyedReplies()
        self._locks: dict[str, list[str]] = {}
        self._closed = False

    # ------------------------------------------------------------------ requests

    def ask(self, name: str, request: Request, key: str = "") -> tuple[Reply, asyncio.Future[Reply] | None]:
        """One domain. ACCEPTED comes with a future of the outcome; every other reply is final."""
        return self.ask_many(request.action.value, {name: request.action}, request, key)

    async def run(self, name: str, request: Request) -> Reply:
        """Begin an action and wait for its outcome."""
        reply, outcome = self.ask(name, request)
        return reply if outcome is None else await asyncio.shield(outcome)

    def ask_many(
        self, what: str, wants: Mapping[str, Action], request: Request, key: str = "", *, queue: bool | None = None
    ) -> tuple[Reply, asyncio.Future[Reply] | None]:
        """Several domains in one operation. `queue`: wait behind what is busy; None = as the policy says.

        `key` makes the request idempotent: asked again under the same key, it is the same operation.
        """
        if key and (again := self._asked_before(key)):
            return again
        sources = tuple(self.graph.domains[name].source for name in wants)
        active = self._admit(what, wants, request, sources, key, queue)
        if isinstance(active, Reply):
            return self._answered(request, what, sources, active, None, key), None
        if not active.queued:
            self._active.append(active)
            self._pump()
            if active.reply is not None:
                return self._answered(request, what, sources, active.reply, None, key), None
        self.operations.begin(what, sources, request.origin, key, active.operation)
        active.begun = True
        for note in active.notes:
            self.operations.step(active.operation, note)
        if active.queued:
            self._active.append(active)
        accepted = Reply(Verdict.ACCEPTED, active.notes[-1] if active.queued else "")
        return self._answered(request, what, sources, accepted, active.operation), active.outcome

    def abort(self, operation: str, origin: str) -> Reply:
        """Begin nothing more of an operation; what is under way goes on to its end."""
        active = next((one for one in self._active if one.operation == operation), None)
        if active is None:
            return Reply(Verdict.NOT_IN_THIS_STATE, f"operation {operation!r} does not run")
        if all(step.state is not StepState.WAITING for step in active.plan.steps.values()):
            return Reply(Verdict.BLOCKED, "what it began cannot be broken off safely; it has nothing left to begin")
        active.queued = False
        self._carry_out(active, *active.plan.abort(Reply(Verdict.ABORTED, f"by {origin}")))
        self._pump()
        return Reply(Verdict.DONE)

    def lock(self, names: Collection[str], why: str) -> None:
        """These are taken: what works on them begins nothing more, and new requests for them are refused."""
        for name in names:
            self._locks.setdefault(name, []).append(why)
        for active in tuple(self._active):
            if active.domains() & set(names):
                active.queued = False
                self._carry_out(active, *active.plan.abort(Reply(Verdict.ABORTED, why)))
        self._pump()

    def unlock(self, names: Collection[str]) -> None:
        for name in names:
            self._locks[name].pop()
            if not self._locks[name]:
                del self._locks[name]
        self._pump()

    def state(self, name: str) -> HostState:
        return self._units[name].state

    def running_on(self, name: str) -> str | None:
        """The operation that works on a domain now."""
        return next((one.operation for one in self._active if not one.queued and one.holds(name)), None)

    def under_way(self) -> list[tuple[str, tuple[Step, ...]]]:
        """Every operation that was begun and has not ended, with its steps."""
        return [(one.operation, tuple(one.plan.steps.values())) for one in self._active if not one.queued]

    def close(self) -> None:
        """Begin nothing more; what the units have begun goes on until they are closed."""
        self._closed = True
        if self._timer:
            self._timer.cancel()

    # ------------------------------------------------------------------ what happens

    def unit_changed(self, name: str) -> None:
        """A unit's state may have changed."""
        state, there = self._units[name].state, self._facts[name]
        if state is not there.state:
            self._facts[name] = DomainFacts(state, time.monotonic_ns())
            for active in self._active:
                if not active.queued and active.holds(name):
                    self._note(active, f"{self._source(name)}: {state.value}")
        self._pump()

    # ------------------------------------------------------------------ admission

    def _asked_before(self, key: str) -> tuple[Reply, asyncio.Future[Reply] | None] | None:
        running = next((active for active in self._active if active.key == key), None)
        if running is not None:
            return Reply(Verdict.ACCEPTED, f"is operation {running.operation} already"), running.outcome
        known = self.operations.of_key(key)
        reply = known.result if known is not None else self._keyed.get(key)
        return None if reply is None else (reply, None)

    def _admit(
        self,
        what: str,
        wants: Mapping[str, Action],
        request: Request,
        sources: tuple[str, ...],
        key: str,
        queue: bool | None,
    ) -> Active | Reply:
        for name, action in wants.items():
            if len(wants) == 1 and (never := self._units[name].refusal(replace(request, action=action))):
                return never  # before anything that it needs is switched on for it
        policies = self._policies()
        held = {name: active for active in self._active for name in active.domains()}
        plan = make_plan(self.graph, self._facts, policies.sequencing, wants, held)
        if isinstance(plan, Reply):
            return plan
        outcome, name = self._loop.create_future(), self.operations.new_id()
        active = Active(plan, request, what, sources, outcome, time.monotonic_ns(), name, key)
        locked = next((self._locks[name][-1] for name in plan.steps if name in self._locks), None)
        if locked is not None:
            return Reply(Verdict.BUSY, locked)  # never queued: nothing is to start by itself after an emergency
        obstacle = self._obstacle(plan, held)
        if obstacle is None:
            return active
        waits = sum(one.queued for one in self._active)
        if not (policies.operations.conflict == "queue" if queue is None else queue):
            return Reply(Verdict.BUSY, obstacle)
        if waits >= policies.operations.queue_length:
            return Reply(Verdict.BUSY, f"{obstacle}, and {waits} operations are queued already")
        active.queued = True
        active.notes.append(f"queued: {obstacle}")
        return active

    def _obstacle(self, plan: Plan, held: Mapping[str, Active]) -> str | None:
        """Why it cannot begin now."""
        for step in plan.steps.values():
            if step.domain in self._locks:
                return self._locks[step.domain][-1]
            other = held.get(step.domain)
            if other is None or self._may_overtake(step.action, other, step.domain):
                continue
            return f"{other.plan.steps[step.domain].action.value} is still running on {self._source(step.domain)}"
        starts = any(step.action in STARTS for step in plan.steps.values())
        if starts and self._free_slots() < 1 and not self._needs_no_start(plan):
            limit = self._policies().safety.max_concurrent_operations
            return f"{Policy.CONCURRENCY.value}: {limit} may run at a time and do; try again when one has ended"
        return None

    def _needs_no_start(self, plan: Plan) -> bool:
        """Everything that is to be on is on: nothing will be started."""
        return all(
            step.action is Action.ON and self._facts[step.domain].state is HostState.ON for step in plan.steps.values()
        )

    @staticmethod
    def _may_overtake(action: Action, other: Active, name: str) -> bool:
        """A forced off need not wait until the operating system has shut down."""
        step = other.plan.steps[name]
        return action is Action.FORCE_OFF and step.action is Action.SOFT_OFF and step.state is StepState.ASKED

    def _free_slots(self) -> int:
        used = sum(
            step.state is StepState.ASKED and step.action in STARTS
            for active in self._active
            for step in active.plan.steps.values()
        )
        return self._policies().safety.max_concurrent_operations - used

    def _answered(
        self, request: Request, what: str, sources: tuple[str, ...], reply: Reply, operation: str | None, key: str = ""
    ) -> Reply:
        self._audit(request, what, sources, reply, operation)
        if operation is None:
            self._keyed.keep(key, reply)
        return reply

    # ------------------------------------------------------------------ carrying out

    def _pump(self) -> None:
        """Let every operation go on as far as it can now."""
        if self._pumping:
            self._pump_again = True
            return
        self._pumping = True
        try:
            self._pump_again = True
            while self._pump_again:
                self._pump_again = False
                for active in tuple(self._active):
                    if active.queued:
                        self._unqueue(active)
                    if not active.queued and active.reply is None:
                        self._carry_out(active, *active.plan.advance(self._look(), time.monotonic_ns()))
        finally:
            self._pumping = False
        self._set_timer()

    def _unqueue(self, active: Active) -> None:
        before = self._active[: self._active.index(active)]
        held = {name: one for one in before for name in one.domains()}
        if self._obstacle(active.plan, held) is None:
            active.queued = False
            active.progress_ns = time.monotonic_ns()

    def _look(self) -> Facts:
        return Facts(self._facts, self._free_slots(), self._safety.refusal)

    def _carry_out(self, active: Active, plan: Plan, effects: list[PlanEffect]) -> None:
        active.plan = plan
        if effects:
            active.progress_ns = time.monotonic_ns()
            self._pump_again = True
        for effect in effects:
            match effect:
                case Note(text=text):
                    self._note(active, text)
                case End(reply=reply):
                    self._end(active, reply)
                case Ask(domain=domain, action=action):
                    self._ask_unit(active, domain, action)

    def _ask_unit(self, active: Active, domain: str, action: Action) -> None:
        for other in self._active:
            if other is not active and other.holds(domain) and not other.queued:
                self._carry_out(other, *other.plan.ended(domain, Reply(Verdict.FAILED, f"overtaken by {action.value}")))
        if action in STARTS:
            self._safety.reserve(domain)
        request = Request(action, active.request.origin, active.request.force)
        with of_operation(active.operation):
            reply, outcome = self._units[domain].ask(request)
        if outcome is None:
            self._step_ended(active, domain, reply, began=False)
        else:
            outcome.add_done_callback(lambda done: self._step_ended(active, domain, done.result(), began=True))

    def _step_ended(self, active: Active, domain: str, reply: Reply, *, began: bool) -> None:
        if began:
            self._loop.call_later(SETTLED_LOAD_S, self._safety.release, domain)
        else:
            self._safety.release(domain)
        step = active.plan.steps.get(domain)
        if self._closed or step is None or step.state is not StepState.ASKED:
            return
        self.unit_changed(domain)
        self._carry_out(active, *active.plan.ended(domain, reply))
        self._pump()

    def _note(self, active: Active, text: str) -> None:
        if active.begun:
            self.operations.step(active.operation, text)
        else:
            active.notes.append(text)

    def _end(self, active: Active, reply: Reply) -> None:
        active.reply = reply
        self._active.remove(active)
        if not active.begun:
            return
        if not reply.verdict.good and active.untold:
            who, why = active.request.origin, reply.reason
            self._emit(EventKind.OPERATION_BLOCKED, active.targets[0], active.operation, active.what, who, why)
        with of_operation(active.operation):
            log.info("%s: %s %s", active.what, reply.verdict.value, reply.reason)
        self.operations.finish(active.operation, reply)
        self._audit(active.request, active.what, active.targets, reply, active.operation)
        if not active.outcome.done():
            active.outcome.set_result(reply)

    # ------------------------------------------------------------------ time

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._closed or not self._active:
            return
        now_ns = time.monotonic_ns()
        due_ns = now_ns + round(self._policies().operations.timeout_s * NS)
        for active in self._active:
            if active.plan.look_again_ns is not None:
                due_ns = min(due_ns, active.plan.look_again_ns)
            if any(step.held_since_ns is not None and not step.over for step in active.plan.steps.values()):
                due_ns = min(due_ns, now_ns + round(LOOK_AGAIN_S * NS))
        delay_s = max(0.0, (due_ns - now_ns) / NS) + 0.001
        self._timer = self._loop.call_later(delay_s, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        timeout_s = self._policies().operations.timeout_s
        for active in tuple(self._active):
            if time.monotonic_ns() - active.progress_ns >= round(timeout_s * NS):
                self._timed_out(active, timeout_s)
        self._pump()

    def _timed_out(self, active: Active, timeout_s: float) -> None:
        """Nothing has moved for too long. A unit at work has a deadline of its own and is left to it."""
        steps = active.plan.steps.values()
        asked = [step.domain for step in steps if step.state is StepState.ASKED]
        if any(self._units[name].busy for name in asked):
            return
        late = Reply(Verdict.FAILED, f"{LATE}: nothing happened for {timeout_s:g} s")
        if active.queued:
            active.queued = False
            self._end(active, Reply(Verdict.FAILED, f"{LATE}: it was queued for {timeout_s:g} s"))
            return
        for name in asked:
            self._carry_out(active, *active.plan.ended(name, late))
        if not asked:
            self._carry_out(active, *active.plan.abort(late))

    def _source(self, name: str) -> str:
        return self.graph.domains[name].source
