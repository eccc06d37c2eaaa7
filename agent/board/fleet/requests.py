# SPDX-License-Identifier: Apache-2.0
"""Requests about the fleet, and what is wrong with a board's place in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from agent.fleet.budget.messages import Proof, Refusal
from agent.requests.endpoint import Answer, Endpoint, NoArguments
from agent.requests.fleet_data import FleetNow, LeaseNow, MachineNow, Promises, StandingGuard, WakeAttempts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agent.board.fleet.budget import FleetBudget
    from agent.board.fleet.machine import FleetMachine
    from agent.board.fleet.service import BoardFleet
    from agent.fleet.node.target import TargetSettings

NS_PER_S = 1e9
UNREACHED_NS = 60_000_000_000
"""A broker that is away for so long is a problem; a restart of it is none."""
REFUSED_NS = 600_000_000_000
"""So long after a message that nobody of the fleet should have written."""

CURES = {
    Refusal.FUTURE: "it would last longer than lease_s of [fleet] here: the coordinator's file must have the same",
    Refusal.ABOVE_PEAK: "it is more than peak_w of [fleet] here: the coordinator's file must have the same",
}


class FleetRequests:
    """Used on the loop's thread."""

    def __init__(self, fleet: BoardFleet) -> None:
        self._fleet = fleet

    def table(self) -> dict[str, Endpoint]:
        return {"fleet/get": Endpoint(False, NoArguments, self._get, (FleetNow,))}

    async def _get(self, given: NoArguments, origin: str) -> AsyncIterator[Answer]:
        yield Answer.done(msgspec.to_builtins(fleet_now(self._fleet)))


def fleet_now(fleet: BoardFleet) -> FleetNow:
    now_ns = fleet.now_ns()
    machines = [machine_now(machine, now_ns) for machine in fleet.machines.values()]
    return FleetNow(machines=machines, lease=None if fleet.budget is None else lease_now(fleet.budget))


def machine_now(machine: FleetMachine, now_ns: int) -> MachineNow:
    """Everything that explains what a machine does, or does not."""
    core, means = machine.core, machine.core.around
    decides, known = core.machine, core.machine.remembered
    return MachineNow(
        node=machine.node,
        segment=decides.identity.segment,
        kind=_kind(decides.settings),
        state=decides.actual,
        target=decides.target,
        condition=decides.condition,
        reason=decides.reason,
        revision=known.revision,
        reached=known.reached,
        asked_by=known.asked_by,
        phase=decides.phase.value,
        orders=known.ordered,
        retry_s=_left_s(decides.retry_ns, now_ns),
        guards=[StandingGuard(guard=one.guard, reason=one.text) for one in means.standing],
        able=not means.unable,
        unable=means.unable,
        macs=list(means.macs),
        wakes=list(means.wakes),
        woken_by=list(core.peers.switched_by(machine.node, now_ns)),
        awake=list(core.peers.senders(now_ns)),
        promises=Promises(
            asked=core.witness.asked[-1].witness if core.witness.asked else None,
            had_s=_left_s(core.witness.promised_until_ns, now_ns),
            given_s=_left_s(core.witness.bound_until_ns, now_ns),
        ),
        waking=[
            WakeAttempts(
                node=duty.node,
                revision=duty.revision,
                attempt=duty.attempt + 1,
                of=core.settings.wake.attempts,
                made=duty.sent,
                given_up=duty.gave_up,
            )
            for duty in core.duties.all()
        ],
        wakes_failed=machine.wake_failures.count,
        start=known.start,
        uptime_s=round(machine.uptimes.total_ns(machine.node) / NS_PER_S, 1),
        connected=machine.connected,
        broker=machine.broker,
        refused={because.value: count for because, count in core.refusals.count.items()},
        last_refused={because.value: text for because, text in core.refusals.last.items()},
    )


def lease_now(budget: FleetBudget) -> LeaseNow:
    lease, now_ns = budget.side.lease, budget.side.clock()
    left_ns = lease.left_ns(now_ns)
    return LeaseNow(
        node=lease.node,
        domain=budget.side.domain,
        cap_w=lease.cap_w(now_ns),
        base_w=lease.base_w,
        peak_w=lease.peak_w,
        ends_s=round(left_ns / NS_PER_S, 1) if left_ns else None,
        term=lease.revision.term,
        number=lease.revision.number,
        proof=lease.proof(now_ns).value,
        connected=budget.connected,
        refused={because.value: count for because, count in lease.refused.items()},
    )


def fleet_problems(fleet: BoardFleet) -> Iterator[tuple[str, str]]:
    """Source and reason; what passes within a minute is none."""
    now_ns, budget = fleet.now_ns(), fleet.budget
    for machine in fleet.machines.values():
        yield from _unreached(machine.node, machine.unreached_since_ns, now_ns, machine.broker)
        if machine.core.machine.rival:
            yield f"fleet/{machine.node}", machine.core.machine.taken
        for node, lacks in machine.core.switches.items():
            if lacks and not machine.core.settling_ns(now_ns):
                yield f"fleet/{machine.node}", f"{node} cannot be woken from here: {lacks}"
        refusal = machine.core.refusals.alarming
        if refusal is not None and now_ns - refusal.at_ns < REFUSED_NS:
            yield f"fleet/{machine.node}", f"a message was refused ({refusal.because.value}): {refusal.text}"
    if budget is not None:
        lease, budget_ns = budget.side.lease, budget.side.clock()
        if lease.node not in fleet.machines:  # else it was said above
            yield from _unreached(lease.node, budget.unreached_since_ns, budget_ns, budget.broker)
        if lease.proof(budget_ns) is Proof.UNPROVEN:
            why = "is not proven by what is read back, so it counts with the highest power measured"
            yield f"fleet/{lease.node}", f"the leased cap {why}"
        if lease.impossible is not None and budget_ns - lease.impossible[1] < REFUSED_NS:
            because = lease.impossible[0]
            yield f"fleet/{lease.node}", f"a lease was refused ({because.value}): {CURES[because]}"


def _unreached(node: str, since_ns: int | None, now_ns: int, broker: str) -> Iterator[tuple[str, str]]:
    if since_ns is not None and now_ns - since_ns >= UNREACHED_NS:
        yield f"fleet/{node}", f"the fleet's broker is not reached: {broker}"


def _kind(settings: TargetSettings) -> Literal["own", "host", "board"]:
    if settings.stays:
        return "board"
    return "own" if settings.own else "host"


def _left_s(until_ns: int | None, now_ns: int) -> float | None:
    return None if until_ns is None or until_ns <= now_ns else round((until_ns - now_ns) / NS_PER_S, 1)
