# SPDX-License-Identifier: Apache-2.0
"""The node's end of the bus: leases in, the cap to the hardware and back, reports out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.fleet.budget.messages import Refusal, encode, read_grant
from agent.fleet.budget.topics import cap_topic, node_of, report_topic
from agent.fleet.bus import BusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.fleet.budget.lease import NodeLease
    from agent.fleet.bus import Bus, Message


class CappedMachine(Protocol):
    """What keeps a cap and measures power; called on the loop, so it must not block."""

    def set_cap_w(self, cap_w: float) -> None:
        """Ask for it; whether it is kept is read back."""

    def read_cap_w(self) -> float | None:
        """What is kept now; None = it cannot be told."""

    def watts(self) -> float | None:
        """What is drawn now; None = no reading."""


@dataclass(slots=True)
class NodeSide:
    """`clock` is monotonic, in ns. Call `look` at least once a second, and `tell` once a cycle."""

    bus: Bus
    domain: str
    lease: NodeLease
    machine: CappedMachine
    clock: Callable[[], int]
    efficiency: Callable[[], float | None] = lambda: None
    """Work for each joule, if the machine can tell."""
    unreached: int = 0

    async def listen(self) -> None:
        """Until cancelled."""
        async for message in self.bus.subscribe(cap_topic(self.domain, self.lease.node)):
            if self.take(message) is None:
                await self.tell()

    def take(self, message: Message) -> Refusal | None:
        """A message from the bus; what is believed is in force before this returns."""
        grant = Refusal.RETAINED if message.retained else read_grant(message.payload, node_of(message.topic))
        if isinstance(grant, Refusal):
            self.lease.refuse(grant)
            return grant
        refusal = self.lease.accept(grant, self.clock())
        self.look()
        return refusal

    def look(self) -> None:
        """Keep the cap that is due, read it back, and measure."""
        now_ns = self.clock()
        cap_w = self.lease.cap_w(now_ns)
        self.machine.set_cap_w(cap_w)
        self.lease.was_set(cap_w, now_ns)
        self.lease.was_read(self.machine.read_cap_w())
        watts = self.machine.watts()
        if watts is not None:
            self.lease.measured(watts, now_ns, efficiency=self.efficiency())

    async def tell(self) -> None:
        """Send a report; a broker that is away is counted."""
        self.look()
        report = self.lease.report(self.clock())
        try:
            await self.bus.publish(report_topic(self.domain, self.lease.node), encode(report))
        except BusError:
            self.unreached += 1
