# SPDX-License-Identifier: Apache-2.0
"""Hosts, rails and the power manager over the virtual engine and a plant that outlives them; watches the invariants."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from agent.board.lines import BoardLines, engine_config
from agent.board.power_wiring import PowerWiring
from agent.power.emergency import PREFIX
from agent.power.host import Host
from agent.power.lines import POWER_GOOD, RESULTS, EngineHostLines
from agent.power.operations import Operation, Operations
from agent.power.plan import StepState
from agent.power.request import Action, HostState, Reply, Request
from agent.power.timing import HostTiming
from agent.sim.plant import Plant
from agent.sim.plant_lines import PlantLines
from agent.sim.rail_wirings import rail_wirings
from agent.sim.words import happen
from native import CommandDone, InputChanged, InterlockEnded, InterlockFired, MemoryChip, Steady
from tests.agent.power.virtual_engine import VirtualEngine

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from agent.power.policy import PowerPolicies
    from agent.profile.schema import Profile
    from native import LineEvent
    from tests.agent.psu.virtual_loop import VirtualLoop

MS = 1_000_000
SLACK_MS = 2.0
"""The engine wakes at its deadlines; virtual time has a grain of a microsecond."""


class _Policies:
    def __init__(self, current: PowerPolicies) -> None:
        self.current = current


class _Record:
    """What is on the disk."""

    def __init__(self) -> None:
        self.kept: dict[str, Operation] = {}

    def keep(self, operation: Operation) -> None:
        self.kept[operation.id] = operation


class VirtualBoard:
    """Everything runs on a virtual loop; `broken` collects violations of the invariants."""

    def __init__(self, profile: Profile, loop: VirtualLoop, policies: PowerPolicies) -> None:
        self.profile = profile
        self.loop = loop
        self.policies = policies
        self.chip = MemoryChip(list(profile.lines))
        rails = rail_wirings(profile)
        self.plant = Plant(profile, loop.time_ns(), rails)
        self.lines = PlantLines(profile, self.plant, rails)
        self.record = _Record()
        self.broken: list[str] = []
        self.told: list[tuple[str, str]] = []
        self._levels: dict[str, bool] = {}
        self._since: dict[str, int] = {}
        self._runs = 0
        self.emergency = False
        self.begin()

    # ------------------------------------------------------------------ runs of the agent

    def begin(self) -> None:
        """An agent starts, over the plant as it is."""
        self._runs += 1
        names = {name: self.chip.line(name) for name in self.profile.lines}
        config = engine_config(self.profile, names, self._levels, armed=True)
        self.engine = VirtualEngine(config, self._levels, self.lines, self.loop, self._wrote)
        lines = BoardLines(self.engine, armed=True, chip=self.chip)  # type: ignore[arg-type]
        self.hosts = {table.name: self._host(table) for table in self.profile.hosts}
        self._by_power_good = {table.power_good: self.hosts[table.name] for table in self.profile.hosts}
        self.operations = Operations(f"run{self._runs}", self.record, tuple(self.record.kept.values()))
        self.power = PowerWiring(
            self.profile,
            lines,
            self.hosts,
            _Policies(self.policies),  # type: ignore[arg-type]
            (),
            None,
            self.operations,
            self._emit,
            lambda *_: None,
            lambda _: None,
            {},
        )
        for name, unit in {**self.hosts, **self.power.rails}.items():
            self._watch_asks(name, unit)
        self.engine.start(self._heard)
        self.power.start()

    async def kill(self) -> None:
        """The agent is killed; the guard lets go of the buttons. Its tasks and timers end with it."""
        self._levels = self.engine.stop()
        await self.power.close()
        for host in self.hosts.values():
            host.close()

    def _host(self, table: Any) -> Host:
        timing = HostTiming(**{key: getattr(table.timing, key) for key in table.timing.__struct_fields__})
        lines = EngineHostLines(table, self.engine, True)  # type: ignore[arg-type]
        return Host(table.name, timing, lines, self._emit, self._host_changed)

    def _host_changed(self, host: Host) -> None:
        self.power.unit_changed(host.name)

    def _emit(self, kind: Any, source: str, *args: str) -> None:
        self.told.append((kind.value, source))

    def _heard(self, events: list[LineEvent]) -> None:
        for event in events:
            match event:
                case InputChanged(line=line, steady=steady) if line in self._by_power_good:
                    if steady is not Steady.UNKNOWN:
                        self._by_power_good[line].power_good_settled(POWER_GOOD[steady])
                case InputChanged(line=line):
                    self.power.input_changed(line)
                case CommandDone():
                    for host in self.hosts.values():
                        host.press_ended(event.token, RESULTS[event.outcome], event.reason)
                    self.power.command_done(event)
                case InterlockFired(rule=rule) if rule.startswith(PREFIX):
                    self.power.emergency.fired(event)
                case InterlockEnded(rule=rule) if rule.startswith(PREFIX):
                    self.power.emergency.ended(event)
        self.check()

    # ------------------------------------------------------------------ what a test does

    def ask(self, name: str, action: Action) -> tuple[Reply, asyncio.Future[Reply] | None]:
        reply = self.power.manager.ask(name, Request(action, "test"))
        self.check()
        return reply

    def ask_all(self, what: str, action: Action) -> tuple[Reply, asyncio.Future[Reply] | None]:
        wants = {
            name: action if name in self.hosts or action is Action.ON else Action.FORCE_OFF
            for name in self.power.graph.domains
        }
        reply = self.power.manager.ask_many(what, wants, Request(action, "test"))
        self.check()
        return reply

    def emergency_off(self) -> str:
        emergencies = self.power.emergencies
        return emergencies.emergency_off(emergencies.everything(), "test", "drill")

    def happen(self, words: str) -> None:
        happen(self.plant, words.split(), self.loop.time_ns())
        self.engine.settle()

    @property
    def states(self) -> dict[str, HostState]:
        return {name: there.state for name, there in self.power.facts.items()}

    # ------------------------------------------------------------------ invariants

    def _wrote(self, name: str, active: bool, now_ns: int) -> None:
        table = self.profile.lines[name]
        if table.class_ == "momentary":
            if active:
                self._since[name] = now_ns
            elif name in self._since:
                width_ms = (now_ns - self._since.pop(name)) / MS
                if width_ms > (table.max_press_ms or 0) + SLACK_MS:
                    self.broken.append(f"{name} was pressed for {width_ms:.1f} ms")
        elif not active and self._levels_now(name):
            self._lowered(name)

    def _levels_now(self, name: str) -> bool:
        return self.lines.record[name].active_since_ns is not None

    def _lowered(self, line: str) -> None:
        rail = next(table.name for table in self.profile.domains if line in table.controls)
        if rail in self.power.emergency.rules:
            return
        if self.states[rail] is HostState.POWERING_ON:
            return  # between two attempts of a start
        for dependent in self.power.graph.dependents(rail):
            if self.states[dependent] is not HostState.OFF:
                self.broken.append(f"{rail} was lowered while {dependent} was {self.states[dependent].value}")

    def _watch_asks(self, name: str, unit: Any) -> None:
        before = unit.ask

        def ask(request: Request) -> tuple[Reply, asyncio.Future[Reply] | None]:
            if request.action is Action.ON and self.states[name] is not HostState.ON:
                for need in self.power.graph.needs(name):
                    if self.power.manager.state(need) is not HostState.ON:
                        self.broken.append(f"{name} was started while {need} was {self.states[need].value}")
            answer: tuple[Reply, asyncio.Future[Reply] | None] = before(request)
            return answer

        unit.ask = ask

    def check(self) -> None:
        """Never two operations on one domain."""
        held: dict[str, str] = {}
        for operation, steps in self.power.manager.under_way():
            for step in steps:
                if step.state is StepState.ASKED:
                    if step.domain in held:
                        self.broken.append(f"{step.domain} is worked on by {held[step.domain]} and {operation}")
                    held[step.domain] = operation


@contextlib.contextmanager
def virtual_time(loop: VirtualLoop) -> Iterator[None]:
    """Everybody's monotonic clock is the loop's."""
    with patch.object(time, "monotonic_ns", loop.time_ns), patch.object(time, "monotonic", loop.time):
        yield
