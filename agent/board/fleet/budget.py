# SPDX-License-Identifier: Apache-2.0
"""This machine under a budget: its lease is a policy of the energy controller, proven by what that reads back."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING

from agent.energy.cadence import IN_FORCE
from agent.energy.meters.interface import Quantity
from agent.energy.policies.situation import LeaseView
from agent.energy.view import CapState
from agent.energy.work_per_joule import WorkPerJoule
from agent.fleet.budget.lease import LEASE_NS, NodeLease
from agent.fleet.budget.node_side import NodeSide
from agent.fleet.budget.timing import REPORT_S
from agent.fleet.mqtt_bus import boot_clock_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.controller import EnergyController
    from agent.fleet.bus import NodeBus

log = logging.getLogger(__name__)

LOOK_S = 1.0
FIRST_S = 30.0
"""So long the first report waits for a first reading: a machine that says nothing counts with its base or its peak."""
METER_LOOKS = 5
"""A machine that keeps a cap and was not measured by now has no meter: it is not waited for."""
AGAIN_S = 1.0


class LeasedMachine:
    """Implements CappedMachine over the energy controller. Used on the loop's thread."""

    def __init__(self, base_w: float, peak_w: float, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """`connect` comes before anything else but `lease`."""
        self.lease = _view(base_w, base_w)
        self._base_w = base_w
        self._peak_w = peak_w
        self._controller: EnergyController | None = None
        self._clock = clock
        self._rate = WorkPerJoule()

    def connect(self, controller: EnergyController) -> None:
        self._controller = controller

    @property
    def known(self) -> bool:
        """Something was measured."""
        return self._node_w() is not None

    def set_cap_w(self, cap_w: float) -> None:
        if cap_w != self.lease.cap_w:
            self.lease = _view(cap_w, self._base_w)
            if self._controller is not None:
                self._controller.look_soon()

    def read_cap_w(self) -> float | None:
        """None as well while another cap is being written: what was read before says nothing then."""
        controller = self._controller
        if controller is None or controller.writing or controller.view.state is not CapState.CAPPING:
            return None
        applied = controller.view.applied
        return applied.in_force_w if applied is not None and applied.answer in IN_FORCE else None

    def worked(self, amount: float | None) -> None:
        """What it got done since the start, each time that is counted; None = not known."""
        self._rate.counted(amount, self._clock())

    def efficiency(self) -> float | None:
        """Work for each joule in the last minute; None without a meter."""
        return self._rate.at(self._clock())

    def watts(self) -> float | None:
        """A machine without a meter counts as drawing what it may: its cap, or its peak where that is not known."""
        node_w = self._node_w()
        self._rate.powered(node_w, self._clock())
        if node_w is not None:
            return node_w
        kept_w = self.read_cap_w()
        return self._peak_w if kept_w is None else min(kept_w, self._peak_w)

    def _node_w(self) -> float | None:
        return None if self._controller is None else self._controller.view.measured.watts(Quantity.NODE_W)


def _view(cap_w: float, base_w: float) -> LeaseView:
    return LeaseView(cap_w, "leased by the coordinator" if cap_w != base_w else "the base of the budget")


class FleetBudget:
    """Hears of leases and reports. Used on the loop's thread."""

    def __init__(
        self, node: str, domain: str, machine: LeasedMachine, base_w: float, peak_w: float, bus: NodeBus,
        clock: Callable[[], int] = boot_clock_ns, lease_ns: int = LEASE_NS,
    ) -> None:  # fmt: skip
        self.machine = machine
        self._bus = bus
        lease = NodeLease(node, base_w, peak_w, secrets.randbits(62), clock(), lease_ns)
        self.side = NodeSide(bus, domain, lease, machine, clock, machine.efficiency)
        self.unreached_since_ns: int | None = clock()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def broker(self) -> str:
        """What the connection does, for a person."""
        return self._bus.text

    @property
    def connected(self) -> bool:
        return self._bus.connection > 0

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._hear(), name="fleet-leases"),
            asyncio.create_task(self._look(), name="fleet-budget"),
            asyncio.create_task(self._tell(), name="fleet-power"),
        ]

    async def close(self) -> None:
        """Stop hearing and reporting; what becomes of the cap is the energy controller's."""
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("fleet: a task of the budget had ended: %r", ended)

    async def _hear(self) -> None:
        while True:
            try:
                await self.side.listen()
            except Exception:  # a fault of ours, or of the messenger, must not end the task
                log.exception("fleet: leases")
            await asyncio.sleep(AGAIN_S)

    async def _look(self) -> None:
        """A lease ends by this, whatever the messenger does."""
        while True:
            try:
                self._follow_connection()
                self.side.look()
            except Exception:  # a fault of ours must not end the task
                log.exception("fleet: budget")
            await asyncio.sleep(LOOK_S)

    def _follow_connection(self) -> None:
        if self.connected:
            self.unreached_since_ns = None
        elif self.unreached_since_ns is None:
            self.unreached_since_ns = self.side.clock()

    async def _tell(self) -> None:
        for look in range(round(FIRST_S / LOOK_S)):
            meterless = look >= METER_LOOKS and self.machine.read_cap_w() is not None
            if self.machine.known or meterless:
                break
            await asyncio.sleep(LOOK_S)
        while True:
            try:
                await self.side.tell()
            except Exception:  # a fault of ours must not end the task
                log.exception("fleet: power")
            await asyncio.sleep(REPORT_S)
