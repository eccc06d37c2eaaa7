# SPDX-License-Identifier: Apache-2.0
"""Publishes the states of groups while this coordinator leads, and announces them to Home Assistant.

A task of its own: a broker that is slow with these does not hold up a lease.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.budget.topics import group_of, group_topic, members_topic
from agent.fleet.bus import BusError
from agent.fleet.groups.group_entities import announced_group, announcements, config_topic
from agent.fleet.groups.group_states import (
    HEARTBEAT_NS,
    TellGate,
    encode,
    group_documents,
    members_documents,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.fleet.budget.coordinator import Coordinator
    from agent.fleet.bus import NodeBus

log = logging.getLogger(__name__)


class GroupTeller:
    """Used on the asyncio loop only. `prefix` is Home Assistant's; empty = it is told nothing."""

    def __init__(
        self, bus: NodeBus, coordinator: Coordinator, prefix: str, version: str, clock: Callable[[], int]
    ) -> None:
        self._bus = bus
        self._coordinator = coordinator
        self._prefix = prefix
        self._version = version
        self._clock = clock
        self._gate = TellGate()
        self._introduced_ns: int | None = None
        self._connection = 0
        self._foreign: set[str] = set()
        """Retained topics of groups that are in the file no more."""

    async def run(self) -> None:
        """Until cancelled."""
        domain = self._coordinator.domain
        patterns = [group_topic(domain, "+"), members_topic(domain, "+")]
        if self._prefix:
            patterns.append(config_topic(self._prefix, domain, "+"))
        hearing = [asyncio.create_task(self._hear(pattern)) for pattern in patterns]
        try:
            while True:
                await self._turn()
                await asyncio.sleep(self._coordinator.timing.cycle_s)
        finally:
            for task in hearing:
                task.cancel()
                with suppress(asyncio.CancelledError, BusError):
                    await task

    async def tell(self) -> int:
        """Publish what changed; returns how many messages. Raises BusError."""
        coordinator, now_ns = self._coordinator, self._clock()
        control = coordinator.control
        leads = control is not None and coordinator.leads
        if not leads or self._bus.connection != self._connection:  # a broker that started again has lost it all
            self._connection = self._bus.connection
            self._gate.forget()
            self._introduced_ns = None
        if control is None or not leads:
            return 0
        sent = 0
        if self._introduced_ns is None or now_ns - self._introduced_ns >= HEARTBEAT_NS:
            sent += await self._introduce()
            self._introduced_ns = now_ns
        for document in list(group_documents(coordinator, control, now_ns)):
            if self._gate.passes(document, now_ns):
                await self._retain(group_topic(coordinator.domain, document.group), encode(document))
                self._gate.told(document, now_ns)
                sent += 1
        return sent

    async def _turn(self) -> None:
        try:
            await self.tell()
        except BusError as error:
            log.info("states of groups: %s", error)
        except Exception:  # a fault of ours must not end the task
            log.exception("states of groups")

    async def _introduce(self) -> int:
        """Who is in which group, what Home Assistant should show, and what is gone."""
        coordinator = self._coordinator
        made = {
            members_topic(coordinator.domain, document.group): encode(document)
            for document in members_documents(coordinator)
        }
        if self._prefix:
            told = announcements(coordinator.tree, coordinator.domain, self._prefix, self._version)
            made |= {topic: msgspec.json.encode(payload) for topic, payload in told.items()}
        gone, self._foreign = self._foreign, set()
        made |= dict.fromkeys(gone, b"")
        for topic, payload in made.items():
            await self._retain(topic, payload)
        return len(made)

    async def _retain(self, topic: str, payload: bytes) -> None:
        await self._bus.publish(topic, payload, retain=True, qos=1)

    async def _hear(self, pattern: str) -> None:
        """What an earlier file has left."""
        async for message in self._bus.subscribe(pattern):
            domain = self._coordinator.domain
            group = group_of(domain, message.topic) or announced_group(self._prefix, domain, message.topic)
            if message.retained and message.payload and group and group not in self._coordinator.tree.groups:
                self._foreign.add(message.topic)
                self._introduced_ns = None
