# SPDX-License-Identifier: Apache-2.0
"""The fleet service of a board: made where the site file has `[fleet]`, imported nowhere else."""

from __future__ import annotations

import functools
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.board.fleet.budget import FleetBudget
from agent.board.fleet.machine import FleetMachine, Surroundings
from agent.board.fleet.means import HostMeans, OwnMeans
from agent.board.fleet.memory import FleetMemory
from agent.fleet.node.burst import send_burst
from agent.fleet.node.core import NodeCore, Settings
from agent.fleet.node.documents import encode
from agent.fleet.node.guards import GuardSettings
from agent.fleet.node.load import LoadMeter
from agent.fleet.node.target import HOST_OF_A_BOARD, OWN_NODE, Identity
from agent.fleet.node.topics import NAME, Leaf, topic
from agent.fleet.node.wake_probe import WakeProbe
from agent.fleet.node.wake_sender import NS_PER_S, WakeSettings
from agent.profile.problem import SettingError
from agent.thermal.fan_memory import boot_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.board.fleet.broker import FleetBroker
    from agent.board.fleet.means import Means
    from agent.board.services import Services
    from agent.fleet.bus import Bus
    from agent.fleet.node.target import TargetSettings
    from agent.fleet.tables import FleetTable, TimesTable

LONGEST_BOOTS = 10
"""Times of an attempt grow to so many of the first."""
LONGEST_BUDGET_NAME = 32
"""Of a node in a coordinator's file."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker is to say, retained, when a client is gone without a word."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Outside:
    """What is lent to the service. `connect(client, will)` makes a client of the broker."""

    connect: Callable[[str, Will | None], Bus]
    clock: Callable[[], int] = time.monotonic_ns
    burst: Callable[[Sequence[str], int, int], Awaitable[None]] | None = None
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
        self.machines = {machine.node: machine for machine in self._machines()}
        self.budget = self._budget()

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
        if table.target:
            if not NAME.fullmatch(self.node):
                raise SettingError(
                    f"fleet.node: {self.node!r} is no name of a node: letters, digits, - and _, 63 at most"
                )
            probe = self._outside.probe(table.wake_card)
            host = next(iter(services.hosts))
            means = OwnMeans(services, host, self.node, table.pinned, table.users_command, probe)
            return [self._machine(self.node, OWN_NODE, boot_id(), means)]
        boot = secrets.token_hex(8)  # a host's uptime is counted from the start of this agent
        return [
            self._machine(
                host.node,
                HOST_OF_A_BOARD,
                boot,
                HostMeans(services, name, host.node, host.pinned, host.users_command),
            )
            for name, host in table.hosts.items()
        ]

    def _machine(self, node: str, settings: TargetSettings, boot: str, means: Means) -> FleetMachine:
        segment, outside = self._table.segment, self._outside
        memory = FleetMemory(self._services.settings)
        identity = Identity(node, segment, boot)
        known = (node, *self._table.nodes) if self._table.nodes else None
        core = NodeCore(identity, _settings(settings, self._table.times), memory.known(node), outside.clock(), known)
        will = Will(topic(segment, node, Leaf.ALIVE), encode(core.will()))
        burst = outside.burst or functools.partial(send_burst, to=self._table.broadcast)
        meter = LoadMeter() if settings.own else None
        around = Surroundings(memory, self._services.bus.emit, burst, outside.clock, meter)
        return FleetMachine(node, segment, core, outside.connect(node, will), means, around)

    def _budget(self) -> FleetBudget | None:
        table, energy = self._table, self._services.energy
        if table.base_w is None or table.peak_w is None or energy is None or energy.leased is None:
            return None
        if not NAME.fullmatch(self.node) or len(self.node) > LONGEST_BUDGET_NAME:
            why = f"{self.node!r} is no name for a budget: letters, digits, - and _, {LONGEST_BUDGET_NAME} at most"
            raise SettingError(f"fleet.node: {why}")
        bus = self._outside.connect(f"{self.node}-budget", None)
        return FleetBudget(
            self.node, table.power_domain, energy.leased, table.base_w, table.peak_w, bus, self._outside.clock
        )


def _settings(target: TargetSettings, times: TimesTable) -> Settings:
    boot_ns = round(times.boot_s * NS_PER_S)
    wake = WakeSettings(
        takeover_ns=round(times.takeover_s * NS_PER_S),
        boot_ns=boot_ns,
        max_boot_ns=LONGEST_BOOTS * boot_ns,
        attempts=times.attempts,
        settle_ns=round(times.settle_s * NS_PER_S),
    )
    return Settings(target, GuardSettings(started_ns=round(times.awake_s * NS_PER_S)), wake)
