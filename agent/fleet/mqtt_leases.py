# SPDX-License-Identifier: Apache-2.0
"""Leases on a broker that knows of none: claims on one retained topic each (why that is exclusive: claims.py).

They have a connection of their own. A broker drops messages for a client that does not read fast enough; on a
connection that carries nothing else a claim is never among them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.broker_client import BrokerClient
from agent.fleet.bus import SECOND_NS, BusError, Lease
from agent.fleet.claims import Claim, Claims, claims_topic
from agent.mqtt.message import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.fleet.bus import Message
    from agent.mqtt.config import MqttConfig

log = logging.getLogger(__name__)

BACK_WITHIN_S = 2.0
"""A claim that did not come back after so long is given up."""


@dataclass(slots=True)
class _Wanted:
    """`settled`: the claim under way came back, or never will."""

    claims: Claims
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class MqttLeases:
    """All leases of one client. Used on the asyncio loop only."""

    def __init__(self, config: MqttConfig, base: str, claimant: str, clock: Callable[[], int]) -> None:
        """`claimant` must be another one for each start; `clock` is monotonic, in ns, and goes on in suspend."""
        self._base = base
        self._claimant = claimant
        self._clock = clock
        self._wanted: dict[str, _Wanted] = {}
        self._client = BrokerClient(config, self)
        self._started = False

    async def close(self) -> None:
        if self._started:
            for name in self._wanted:
                with contextlib.suppress(BusError):
                    self.release(name)
            await self._client.close()

    @property
    def malformed(self) -> int:
        """So many messages on the leases' topics were no claims."""
        return sum(wanted.claims.malformed for wanted in self._wanted.values())

    async def lease(self, name: str, ttl_s: float, above: int = 0) -> Lease | None:
        """Take or renew; None while another one holds it or may hold it. Raises BusError."""
        duration_ns = round(ttl_s * SECOND_NS)
        topic = self._topic(name)
        wanted = self._wanted.get(topic)
        if wanted is None:
            wanted = self._wanted[topic] = _Wanted(Claims(self._claimant, duration_ns))
            self._begin(topic)
        elif wanted.claims.duration_ns != duration_ns:
            raise BusError(f"the lease {name} lasts {wanted.claims.duration_ns / SECOND_NS:g} s for all who share it")
        if not self._client.connected:
            raise BusError(f"the broker is not reached: {self._client.text}")
        claims = wanted.claims
        renews = claims.holds(self._clock()) is not None
        claim = claims.claim(self._clock(), above)
        if claim is None and claims.spent:
            cure = "keep others from writing there, clear that topic and start all coordinators anew"
            raise BusError(f"{topic}: somebody has claimed the highest revision there is, so nobody can lead: {cure}")
        if claim is None:
            return None
        wanted.settled.clear()
        if not renews:
            self._client.ask_retained(topic)  # should a claim have been lost on the way here, the last one is kept
        try:
            self._send(topic, claim)
            await asyncio.wait_for(wanted.settled.wait(), BACK_WITHIN_S)
        except TimeoutError as error:
            why = f"may this user write and read {topic}?"
            raise BusError(f"a claim of the lease {name} does not come back from the broker: {why}") from error
        finally:
            claims.give_up()
        held = claims.holds(self._clock())
        if held is None:
            if not self._client.connected:
                raise BusError(f"the connection was lost while the lease {name} was claimed")
            return None
        return Lease(self._claimant, held.revision, held.until_ns)

    def release(self, name: str) -> None:
        """Raises BusError."""
        topic = self._topic(name)
        wanted = self._wanted.get(topic)
        given_back = wanted.claims.give_back(self._clock()) if wanted is not None else None
        if given_back is not None:
            self._send(topic, given_back)

    # ------------------------------------------------------------------ what the client tells

    def heard(self, message: Message) -> None:
        wanted = self._wanted.get(message.topic)
        if wanted is not None:
            wanted.claims.hear(message.payload, self._clock())
            self._look(wanted)

    def subscribed(self, pattern: str) -> None:
        wanted = self._wanted.get(pattern)
        if wanted is not None and not wanted.claims.listening:
            wanted.claims.subscribed(self._clock())

    def cut_off(self) -> None:
        for wanted in self._wanted.values():
            wanted.claims.cut_off()
            self._look(wanted)

    # ------------------------------------------------------------------ steps

    def _begin(self, topic: str) -> None:
        if not self._started:
            self._client.start()
            self._started = True
        self._client.subscribe(topic)

    def _look(self, wanted: _Wanted) -> None:
        if not wanted.claims.under_way:
            wanted.settled.set()

    def _send(self, topic: str, claim: Claim) -> None:
        self._client.send(Outgoing(topic, msgspec.json.encode(claim), qos=1, retain=True))

    def _topic(self, name: str) -> str:
        return claims_topic(self._base, name)
