# SPDX-License-Identifier: Apache-2.0
"""Emergencies from outside to the desk: what the bus tells, and what a person at the socket says.

Every coordinator hears the same, so that one that takes over knows what stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.budget.emergencies.emergency_messages import Signal, Temperature, emergency_topic, read_emergency
from agent.fleet.budget.messages import Refusal
from agent.fleet.bus import SECOND_NS, BusError

if TYPE_CHECKING:
    from agent.fleet.budget.emergencies.emergency import EmergencyDesk, EmergencyKind
    from agent.fleet.bus import Bus, Message


@dataclass(slots=True)
class EmergencyFace:
    """Used on the asyncio loop only."""

    bus: Bus
    domain: str
    desk: EmergencyDesk

    def hear(self, message: Message, now_ns: int) -> Refusal | None:
        """A message from the bus; None if it was believed."""
        if not message.payload:
            return None  # what was retained is taken back
        found = read_emergency(message.topic, message.payload)
        if isinstance(found, Refusal):
            return found
        kind, group, told = found
        if group not in self.desk.tree.groups:
            return Refusal.UNKNOWN_GROUP
        if message.retained and (isinstance(told, Temperature) or told.for_s is not None):
            return Refusal.RETAINED
        self._enter(kind, group, told, now_ns)
        return None

    async def say(self, kind: EmergencyKind, group: str, signal: Signal, now_ns: int) -> bool:
        """In force here at once, and told to the others; whether the broker took it. Raises KeyError for no group.

        What stands until it is taken back is retained: a coordinator that starts later hears it too.
        """
        self.desk.tree.groups[group]
        self._enter(kind, group, signal, now_ns)
        topic = emergency_topic(self.domain, group, kind)
        try:
            stands = signal.present and signal.for_s is None
            if not stands:
                await self.bus.publish(topic, b"", retain=True, qos=1)
            await self.bus.publish(topic, msgspec.json.encode(signal), retain=stands, qos=1)
        except BusError:
            return False
        return True

    def _enter(self, kind: EmergencyKind, group: str, told: Signal | Temperature, now_ns: int) -> None:
        for_ns = None if told.for_s is None else round(told.for_s * SECOND_NS)
        match told:
            case Signal():
                self.desk.signal(
                    kind, group, told.present, now_ns, share=told.share, critical=told.critical, for_ns=for_ns
                )
            case Temperature():
                self.desk.temperature(group, told.celsius, told.trip_c, now_ns, for_ns)
