# SPDX-License-Identifier: Apache-2.0
"""Random interleavings of requests, faults, restarts and time on the simulated plant: what must hold, always holds.

The C engine's own state machine, the hosts, the rails and the manager run under one virtual clock, so that a night of
faults takes a second. PGOOD_EXAMPLES sets how many are tried (the long runs try more).
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import msgspec
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from agent.power.gate import Policy, Refusal
from agent.power.policy import OperationPolicies, PowerPolicies, SafetyPolicies, SequencingPolicies
from agent.power.request import Action, HostState, Verdict
from agent.profile.schema import Profile
from agent.sim.atx_host import HostPhase
from tests.agent.power.virtual_board import VirtualBoard, virtual_time
from tests.agent.psu.virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.power.request import Reply

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "60"))
HOSTS = ("0", "1", "2")
RAILS = ("fans", "main")
QUIET_S = 400.0
"""Longer than any deadline: what was asked for has ended by then."""


def profile() -> Profile:
    lines: dict[str, object] = {}
    hosts, domains = [], []
    for name, kind, needs in (("fans", "aux", []), ("main", "chassis", ["fans"])):
        lines[name] = {"direction": "output", "class": "maintained"}
        lines[f"{name}-good"] = {"direction": "input"}
        domains.append({"name": name, "type": kind, "controls": [name], "power_good": [f"{name}-good"], "needs": needs})
    for name in HOSTS:
        lines[f"power-{name}"] = {"direction": "output", "class": "momentary", "max_press_ms": 6000}
        lines[f"reset-{name}"] = {"direction": "output", "class": "momentary", "max_press_ms": 1000}
        lines[f"good-{name}"] = {"direction": "input"}
        hosts.append(
            {
                "name": name,
                "power_good": f"good-{name}",
                "power_button": f"power-{name}",
                "reset_button": f"reset-{name}",
                "timing": {"force_off_ms": 6000, "power_on_timeout_ms": 2000, "soft_off_timeout_ms": 8000},
            }
        )
        if name != "2":
            domains.append({"name": name, "type": "host", "needs": ["main"]})
    made = {"schema": 1, "name": "v", "board": {"simulated": True}, "lines": lines, "hosts": hosts, "domains": domains}
    return msgspec.convert(made, Profile)


PROFILE = profile()
HOST_FAULTS = (
    "ignore-soft-off",
    "hang",
    "crash",
    "wake",
    "sleep",
    "dead-button",
    "no-power-good",
    "drop 5",
    "drop 300",
    "flicker 50 500",
    "finger",
    "finger 5000",
    "restore-on-ac",
    "normal",
)
FAULTS = (
    *(f"host {name} {fault}" for name in HOSTS for fault in HOST_FAULTS),
    *(f"rail {name} {fault}" for name in RAILS for fault in ("never", "stuck", "normal", "drop 400")),
)
ACTIONS = (Action.ON, Action.SOFT_OFF, Action.FORCE_OFF, Action.CYCLE, Action.RESET)

events = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(HOSTS), st.sampled_from(ACTIONS)),
        st.tuples(st.just("ask"), st.sampled_from(RAILS), st.sampled_from([Action.ON, Action.FORCE_OFF])),
        st.tuples(st.just("all"), st.just(""), st.sampled_from([Action.ON, Action.SOFT_OFF, Action.FORCE_OFF])),
        st.tuples(st.just("fault"), st.sampled_from(FAULTS), st.none()),
        st.tuples(st.just("time"), st.sampled_from(["1", "30", "150", "400", "900", "3000", "12000"]), st.none()),
        st.tuples(st.sampled_from(["emergency", "kill", "abort"]), st.just(""), st.none()),
    ),
    min_size=5,
    max_size=40,
)
policies = st.builds(
    PowerPolicies,
    safety=st.builds(
        SafetyPolicies, max_concurrent_operations=st.integers(1, 3), min_off_s=st.sampled_from([0.0, 1.0])
    ),
    sequencing=st.builds(
        SequencingPolicies,
        stagger_s=st.sampled_from([0.0, 0.5]),
        power_good_s=st.just(1.0),
        rollback=st.booleans(),
        force_after_soft=st.booleans(),
    ),
    operations=st.builds(OperationPolicies, conflict=st.sampled_from(["refuse", "queue"])),
)


def on_virtual_board(story: Callable[[VirtualBoard], Awaitable[None]], chosen: PowerPolicies = PowerPolicies()) -> None:  # noqa: B008 frozen
    loop = VirtualLoop()

    async def play() -> None:
        board = VirtualBoard(PROFILE, loop, chosen)
        await asyncio.sleep(0.5)
        try:
            await story(board)
        finally:
            await board.kill()
            board.chip.close()
        assert not board.broken, board.broken

    asyncio.set_event_loop(loop)
    try:
        with virtual_time(loop):
            loop.run_until_complete(play())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(events, policies)
def test_any_interleaving(happenings: list[tuple[str, str, Action | None]], chosen: PowerPolicies) -> None:
    async def story(board: VirtualBoard) -> None:
        offs: list[tuple[str, asyncio.Future[Reply]]] = []
        for kind, what, action in happenings:
            match kind:
                case "ask":
                    assert action is not None
                    reply, outcome = board.ask(what, action)
                    if outcome is not None and action in (Action.SOFT_OFF, Action.FORCE_OFF):
                        offs.append((what, outcome))
                    elif outcome is None and not reply.verdict.good:
                        assert reply.reason, f"{what} {action}: refused without a word"
                case "all":
                    assert action is not None
                    board.ask_all("all", action)
                case "fault":
                    board.happen(what)
                case "time":
                    await asyncio.sleep(int(what) / 1000)
                case "emergency":
                    board.emergency_off()
                case "abort":
                    for operation, _ in board.power.manager.under_way():
                        board.power.manager.abort(operation, "test")
                case "kill":
                    offs.clear()
                    await restart(board)
            board.check()
        await asyncio.sleep(QUIET_S)
        note(f"{board.states} {[one.document() for one in board.operations.all()][-3:]}")
        assert not board.power.manager.under_way(), "an operation never ends"
        assert not any(operation.running for operation in board.operations.all())
        for name, off in offs:
            reply = off.result()
            assert reply.verdict is Verdict.DONE or reply.reason, name
        board.check()

    on_virtual_board(story, chosen)


async def restart(board: VirtualBoard) -> None:
    """Kill and start; what the machine behind the lines does is untouched by it."""
    board.engine.settle()  # what the engine was told before this instant has happened
    busy = bool(board.power.manager.under_way()) or any(
        record.active_since_ns is not None for name, record in board.lines.record.items() if name not in RAILS
    )
    before = {name: host.phase for name, host in board.plant.hosts.items()}
    presses = {name: host.presses for name, host in board.plant.hosts.items()}
    await board.kill()
    if not busy:  # a press under way ends with its agent: then the host does what a short press means
        after = {name: host.phase for name, host in board.plant.hosts.items()}
        assert after == before
    board.begin()
    await asyncio.sleep(0)
    assert {name: host.presses for name, host in board.plant.hosts.items()} == presses, "a start pressed something"


def test_a_running_board_is_not_disturbed_by_restarts() -> None:
    async def story(board: VirtualBoard) -> None:
        _, outcome = board.ask_all("all", Action.ON)
        assert outcome is not None
        assert (await outcome).verdict is Verdict.DONE
        for _ in range(5):
            await restart(board)
            await asyncio.sleep(2)
            assert set(board.states.values()) == {HostState.ON}
            assert {host.phase for host in board.plant.hosts.values()} == {HostPhase.RUNNING}

    on_virtual_board(story)


def test_what_a_kill_cut_short_gets_a_result() -> None:
    async def story(board: VirtualBoard) -> None:
        board.ask_all("chassis/power/on", Action.ON)
        await asyncio.sleep(1.5)
        cut = board.operations.all()[-1]
        assert cut.running
        await restart(board)
        await asyncio.sleep(1)
        found = board.operations.get(cut.id)
        assert found is not None
        assert found.result is not None
        assert found.result.reason.startswith("cut short by an end of the agent; found: ")
        assert ("operation.interrupted", cut.targets[0]) in board.told

    on_virtual_board(story)


def test_an_emergency_presses_all_hosts_at_one_instant() -> None:
    async def story(board: VirtualBoard) -> None:
        _, outcome = board.ask_all("all", Action.ON)
        assert outcome is not None
        await outcome
        pressed: dict[str, int] = {}
        before = board.lines.output_changed

        def heard(name: str, active: bool, now_ns: int) -> None:
            if active:
                pressed.setdefault(name, now_ns)
            before(name, active, now_ns)

        board.lines.output_changed = heard  # type: ignore[method-assign]
        operation = board.emergency_off()
        assert operation
        assert board.emergency_off() == operation  # once is enough
        reply, _ = board.ask("0", Action.ON)
        assert reply.verdict is Verdict.BUSY
        await asyncio.sleep(20)
        assert pressed.keys() == {f"power-{name}" for name in HOSTS}
        assert len(set(pressed.values())) == 1
        assert {board.states[name] for name in HOSTS} == {HostState.OFF}
        assert board.states["main"] is HostState.ON
        done = board.operations.get(operation)
        assert done is not None
        assert done.result is not None
        assert done.result.verdict is Verdict.DONE

    on_virtual_board(story)


def test_queued_requests_run_one_after_another() -> None:
    async def story(board: VirtualBoard) -> None:
        first, on = board.ask("2", Action.ON)
        second, off = board.ask("2", Action.FORCE_OFF)
        assert (first.verdict, second.verdict) == (Verdict.ACCEPTED, Verdict.ACCEPTED)
        assert "queued" in second.reason
        assert on is not None
        assert off is not None
        assert (await on).verdict is Verdict.DONE
        assert (await off).verdict is Verdict.DONE
        assert board.states["2"] is HostState.OFF

    on_virtual_board(story, PowerPolicies(operations=OperationPolicies(conflict="queue")))


def test_minimum_off_time_is_waited_for_or_told() -> None:
    async def story(board: VirtualBoard) -> None:
        await asyncio.sleep(31)  # since when it is off is not known at start: it counts from what is seen
        for action in (Action.ON, Action.FORCE_OFF):
            _, outcome = board.ask("2", action)
            assert outcome is not None
            await outcome
        reply, _ = board.ask("2", Action.ON)
        assert reply.verdict is Verdict.BLOCKED
        assert reply.reason.startswith("minimum-off-time: it has been off for 0.0 s of 30 s; wait 30.0 s")
        await asyncio.sleep(25)
        reply, outcome = board.ask("2", Action.ON)
        assert reply.verdict is Verdict.ACCEPTED
        assert outcome is not None
        assert (await outcome).verdict is Verdict.DONE

    on_virtual_board(story, PowerPolicies(safety=SafetyPolicies(min_off_s=30)))


def test_nothing_that_was_asked_for_in_an_emergency_starts_after_it() -> None:
    async def story(board: VirtualBoard) -> None:
        _, outcome = board.ask("2", Action.ON)
        assert outcome is not None
        await outcome
        queued, _ = board.ask("2", Action.CYCLE)
        assert queued.verdict is Verdict.ACCEPTED
        board.emergency_off()
        refused, _ = board.ask("0", Action.ON)
        assert (refused.verdict, refused.reason) == (Verdict.BUSY, "an emergency off is running")
        await asyncio.sleep(60)
        assert {board.states[name] for name in HOSTS} == {HostState.OFF}

    on_virtual_board(story, PowerPolicies(operations=OperationPolicies(conflict="queue")))


def test_what_a_policy_ends_is_told_as_an_event() -> None:
    async def story(board: VirtualBoard) -> None:
        board.happen("rail main never")
        _, outcome = board.ask("0", Action.ON)
        assert outcome is not None
        assert (await outcome).verdict is Verdict.FAILED
        kinds = [kind for kind, _ in board.told]
        assert "domain.failed" in kinds  # the rail has told why: one event for one cause
        assert "operation.blocked" not in kinds
        board.happen("rail main normal")
        _, outcome = board.ask("main", Action.FORCE_OFF)
        assert outcome is not None
        await outcome
        board.power.safety._gates = (_Hot("host/0"),)
        _, outcome = board.ask_all("all", Action.ON)
        assert outcome is not None
        reply = await outcome
        assert reply.reason == "host/0: blocked thermal-check: zone box is at 96 C; let it cool"
        assert ("operation.blocked", "aux/fans") in board.told

    on_virtual_board(story, PowerPolicies(sequencing=SequencingPolicies(power_good_s=1.0, attempts=1)))


class _Hot:
    def __init__(self, domain: str) -> None:
        self._domain = domain

    def refusal(self, domain: str, action: Action) -> Refusal | None:
        return Refusal(Policy.THERMAL, "zone box is at 96 C", "let it cool") if domain == self._domain else None
