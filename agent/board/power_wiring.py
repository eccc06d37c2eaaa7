# SPDX-License-Identifier: Apache-2.0
"""The power manager of one board, made from its profile over hosts, lines and gates, and the paths between them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.board.domains import domains
from agent.board.emergency_rules import emergency_rules
from agent.power.emergencies import Emergencies
from agent.power.emergency import EmergencyOff
from agent.power.graph import DomainGraph
from agent.power.interrupted import Interrupted
from agent.power.manager import PowerManager
from agent.power.plan import DomainFacts
from agent.power.rail import RailTiming
from agent.power.rail_adapter import RailAdapter
from agent.power.rail_lines import RailLines, all_good
from agent.power.rail_unit import RailUnit
from agent.power.request import HostState
from agent.power.safety import Safety

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.board.lines import BoardLines
    from agent.hardware.adapters.supervised import SupervisedAdapter
    from agent.power.gate import CapacitySource, PowerGate
    from agent.power.host import Host
    from agent.power.operations import Operations
    from agent.power.policy_store import PolicyStore
    from agent.power.request import Reply, Request
    from agent.power.unit import Unit
    from agent.profile.domain_tables import DomainTable
    from agent.profile.schema import Profile
    from native import CommandDone


class PowerWiring:
    """Used on the loop's thread."""

    def __init__(
        self,
        profile: Profile,
        lines: BoardLines,
        hosts: Mapping[str, Host],
        policies: PolicyStore,
        gates: Sequence[PowerGate],
        capacity: CapacitySource | None,
        operations: Operations,
        emit: Callable[..., object],
        audit: Callable[[Request, str, tuple[str, ...], Reply, str | None], None],
        changed: Callable[[str], None],
        adapters: Mapping[str, SupervisedAdapter],
    ) -> None:
        """`changed(source)` is called when the document of a rail changed."""
        self._lines = lines
        self._policies = policies
        self._changed = changed
        self._adapters = adapters
        self._tables = {table.name: table for table in profile.domains if table.type != "host"}
        self.graph = DomainGraph(domains(profile))
        self.rails = {name: self._rail(table, emit) for name, table in self._tables.items()}
        self._controls = {name: self._controls_of(table) for name, table in self._tables.items()}
        units: dict[str, Unit] = {**self.rails, **hosts}
        now_ns = time.monotonic_ns()
        self.facts = {name: DomainFacts(HostState.UNKNOWN, now_ns) for name in self.graph.domains}
        self.safety = Safety(self.graph, self.facts, lambda: policies.current, gates, capacity, self._proven, emit)
        self.manager = PowerManager(
            self.graph, units, self.facts, self.safety, operations, lambda: policies.current, emit, audit
        )
        rules = emergency_rules(profile) if lines.armed else ()
        self.emergency = EmergencyOff(lines.engine, rules, hosts, self.rails)
        self.emergencies = Emergencies(self.manager, self.emergency, lambda: policies.current, emit, audit)
        names = {domain.source: domain.name for domain in self.graph.domains.values()}
        self._interrupted = Interrupted(operations, names, emit)
        self._by_input = {name: rail for rail, table in self._tables.items() for name in table.power_good}

    def start(self) -> None:
        """The engine runs: what it drives is what the rails are adopted with."""
        for name, controls in self._controls.items():
            found = controls.found()
            if found is not None:
                self.rails[name].driven(found)
        self.read_again()

    async def close(self) -> None:
        """Stop; no line moves."""
        self.manager.close()
        self.safety.close()
        await self.emergencies.close()
        for controls in self._controls.values():
            controls.close()
        for rail in self.rails.values():
            rail.close()

    def policies_changed(self) -> None:
        """What the rails go by."""
        for name, table in self._tables.items():
            self.rails[name].set_timing(self._timing(table))

    # ------------------------------------------------------------------ what happens

    def unit_changed(self, name: str) -> None:
        """A host or a rail may be in another state."""
        self.manager.unit_changed(name)
        self._interrupted.look(self.facts)

    def command_done(self, event: CommandDone) -> None:
        for controls in self._controls.values():
            controls.command_done(event.token, event.outcome, event.reason)

    def input_changed(self, line: str) -> None:
        """A line that may be a rail's power-good has settled."""
        if line in self._by_input:
            self._read(self._by_input[line])

    def read_again(self) -> None:
        """Events were lost, or none came yet."""
        for name in self.rails:
            self._read(name)

    def _read(self, name: str) -> None:
        inputs = self._tables[name].power_good
        if inputs:
            levels = {line: self._lines.engine.input(line).steady for line in inputs}
            self.rails[name].power_good(all_good(inputs, levels))

    # ------------------------------------------------------------------ rails

    def _rail(self, table: DomainTable, emit: Callable[..., object]) -> RailUnit:
        return RailUnit(
            self.graph.domains[table.name],
            self._timing(table),
            bool(table.power_good or table.adapter),
            _Later(self, table.name),
            emit,
            self._rail_changed,
        )

    def _controls_of(self, table: DomainTable) -> RailLines | RailAdapter:
        rail = self.rails[table.name]
        if table.adapter:
            return RailAdapter(self._adapters[table.adapter], self._lines.armed, rail)
        return RailLines(self._lines.engine, table.controls, self._lines.armed, rail.driven, rail.drive_failed)

    def controls(self, name: str) -> RailLines | RailAdapter:
        return self._controls[name]

    def reason(self, name: str) -> str:
        """Why a rail is in fault, or why nobody knows whether it is on."""
        controls = self._controls[name]
        return self.rails[name].fault or (controls.reason if isinstance(controls, RailAdapter) else "")

    def _timing(self, table: DomainTable) -> RailTiming:
        policies = self._policies.current.sequencing
        given_ms = table.power_good_ms
        within_ms = round(policies.power_good_s * 1000) if given_ms is None else given_ms
        if not table.adapter:
            return RailTiming(within_ms, policies.attempts)
        adapter = self._adapters[table.adapter]
        # Only what proves its doing is tried again (safety rule 5).
        return RailTiming(within_ms + round(adapter.deadline_s * 1000), policies.attempts if adapter.reports else 1)

    def _rail_changed(self, rail: RailUnit) -> None:
        self.unit_changed(rail.name)
        self._changed(rail.domain.source)

    def _proven(self, name: str) -> bool:
        return name not in self.rails or self.rails[name].has_power_good


class _Later:
    """The controls of a rail: rail and controls know each other, so that one is made before the other."""

    def __init__(self, wiring: PowerWiring, name: str) -> None:
        self._wiring = wiring
        self._name = name

    @property
    def armed(self) -> bool:
        return self._wiring.controls(self._name).armed

    def drive(self, active: bool) -> None:
        self._wiring.controls(self._name).drive(active)
