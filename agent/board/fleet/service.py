# SPDX-License-Identifier: Apache-2.0
"""The fleet service of a board: made where the site file has `[fleet]`, imported nowhere else."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.board.fleet.budget import FleetBudget
from agent.board.fleet.machine import FleetMachine, Send, Surroundings, suspended_ns
from agent.board.fleet.means import BoardMeans, HostMeans, OwnMeans
from agent.board.fleet.memory import FleetMemory
from agent.board.fleet.requests import FleetRequests, fleet_problems
from agent.fleet.bus import SECOND_NS
from agent.fleet.mqtt_bus import boot_clock_ns
from agent.fleet.node.burst import send_burst
from agent.fleet.node.core import NodeCore, Settings
from agent.fleet.node.documents import encode
from agent.fleet.node.guards import GuardSettings
from agent.fleet.node.load import LoadMeter
from agent.fleet.node.secure_on import SecureOnError, read_secure_on
from agent.fleet.node.target import BOARD, HOST_OF_A_BOARD, OWN_NODE, Identity
from agent.fleet.node.topics import NAME, Leaf, topic
from agent.fleet.node.wake_probe import WakeProbe
from agent.fleet.node.wake_sender import WakeSettings
from agent.profile.problem import SettingError
from agent.thermal.fan_memory import boot_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.board.fleet.broker import FleetBroker
    from agent.board.fleet.means import Means
    from agent.board.services import Services
    from agent.fleet.bus import NodeBus
    from agent.fleet.node.target import TargetSettings
    from agent.fleet.tables import FleetTable, TimesTable
    from agent.requests.endpoint import Endpoint

LONGEST_BOOTS = 10
"""Times of an attempt grow to so many of the first."""
LONGEST_BUDGET_NAME = 32
"""Of a node in a coordinator's file."""


Will = Callable[[], tuple[str, bytes]]
"""The topic, and what the broker is to say there, retained, when a client is gone without a word; from any thread."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What is lent to the service. `connect(client, will)` makes a client of the broker."""

    connect: Callable[[str, Will | None], NodeBus]
    clock: Callable[[], int] = boot_clock_ns
    """Goes on while the computer is suspended: neither a lease nor a promise outlasts a nap."""
    suspended_ns: Callable[[], int] = suspended_ns
    burst: Send | None = None
    """Sends magic packets; None = into the segment."""
    probe: Callable[[str], WakeProbe] = WakeProbe
    """Of the network card of this name; empty = of all."""
    broker: FleetBroker | None = None
    """Is started and closed with the service."""


class BoardFleet:
    """Used on the loop's thread."""

    def __init__(self, table: FleetTable, services: Services, board_id: str, outside: Outside) -> None:
        """`services.energy` is made before. Raises SettingError."""
        self.node = table.node or board_id
        self._table = table
        self._services = services
        self._outside = outside
        self._secure_on = _secure_on(table)
        self.machines = {machine.node: machine for machine in self._machines()}
        self.budget = self._budget()

    def endpoints(self) -> dict[str, Endpoint]:
        """The methods that there are besides a board's."""
        return FleetRequests(self).table()

    def problems(self) -> Iterator[tuple[str, str]]:
        return fleet_problems(self)

    def now_ns(self) -> int:
        return self._outside.clock()

    def start(self) -> None:
        if self._outside.broker:
            self._outside.broker.start()
        for machine in self.machines.values():
            machine.start()
        if self.budget:
            self.budget.start()

    async def close(self) -> None:
        """Nothing is switched."""
        if self.budget:
            await self.budget.close()
        for machine in self.machines.values():
            await machine.close()
        if self._outside.broker:
            await self._outside.broker.close()

    def _machines(self) -> list[FleetMachine]:
        table, services = self._table, self._services
        wakes = {host.wakes: name for name, host in table.hosts.items() if host.wakes}
        if (table.target or wakes) and not NAME.fullmatch(self.node):
            raise SettingError(f"fleet.node: {self.node!r} is no name of a node: letters, digits, - and _, 63 at most")
        if table.target:
            probe = replace(self._outside.probe(table.wake_card), secure_on=self._secure_on)
            host = next(iter(services.hosts))
            means = OwnMeans(services, host, self.node, table.pinned, table.users_command, probe)
            return [self._machine(self.node, OWN_NODE, boot_id(), means)]
        boot = secrets.token_hex(8)  # a host's uptime is counted from the start of this agent
        machines = [
            self._machine(
                host.node,
                HOST_OF_A_BOARD,
                boot,
                HostMeans(services, name, host.node, host.pinned, host.users_command),
            )
            for name, host in table.hosts.items()
            if host.node
        ]
        if wakes:
            machines.append(self._machine(self.node, BOARD, boot_id(), BoardMeans(services, self.node, wakes)))
        return machines

    def _machine(self, node: str, settings: TargetSettings, boot: str, means: Means) -> FleetMachine:
        segment, outside = self._table.segment, self._outside
        memory = FleetMemory(self._services.settings)
        identity = Identity(node, segment, boot)
        known = (node, *self._table.nodes) if self._table.nodes else None
        core = NodeCore(identity, _settings(settings, self._table.times), memory.known(node), outside.clock(), known)

        def will() -> tuple[str, bytes]:
            return topic(segment, node, Leaf.ALIVE), encode(core.will())

        meter = LoadMeter() if settings.own else None
        burst = outside.burst or self._burst
        around = Surroundings(memory, self._services.bus.emit, burst, outside.clock, outside.suspended_ns, meter)
        return FleetMachine(node, segment, core, outside.connect(node, will), means, around)

    async def _burst(self, macs: Sequence[str], count: int, gap_ns: int, begun: Callable[[], object]) -> None:
        await send_burst(macs, count, gap_ns, begun, to=self._table.broadcast, secure_on=self._secure_on)

    def _budget(self) -> FleetBudget | None:
        table, energy = self._table, self._services.energy
        if table.base_w is None or table.peak_w is None or energy is None or energy.leased is None:
            return None
        if not NAME.fullmatch(self.node) or len(self.node) > LONGEST_BUDGET_NAME:
            why = f"{self.node!r} is no name for a budget: letters, digits, - and _, {LONGEST_BUDGET_NAME} at most"
            raise SettingError(f"fleet.node: {why}")
        bus = self._outside.connect(f"{self.node}-budget", None)
        return FleetBudget(
            self.node, table.power_domain, energy.leased, table.base_w, table.peak_w, bus, self._outside.clock,
            round(table.lease_s * SECOND_NS),
        )  # fmt: skip


def _secure_on(table: FleetTable) -> bytes:
    try:
        return read_secure_on(table.secure_on_file) if table.secure_on_file else b""
    except SecureOnError as error:
        raise SettingError(str(error)) from None


def _settings(target: TargetSettings, times: TimesTable) -> Settings:
    boot_ns = round(times.boot_s * SECOND_NS)
    wake = WakeSettings(
        takeover_ns=round(times.takeover_s * SECOND_NS),
        boot_ns=boot_ns,
        max_boot_ns=LONGEST_BOOTS * boot_ns,
        attempts=times.attempts,
        settle_ns=round(times.settle_s * SECOND_NS),
    )
    return Settings(target, GuardSettings(started_ns=round(times.awake_s * SECOND_NS)), wake)
