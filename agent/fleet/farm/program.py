# SPDX-License-Identifier: Apache-2.0
"""The automation of a farm on the bus: it hears its machines, and while it leads writes their targets once a round.

Any number may run; the one that holds the lease writes. What matters is in retained messages, so whoever leads next
goes on from them; only the dates of wakes that are done are handed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.fleet.bus import BusError
from agent.fleet.farm.memory_file import MemoryFile, merged, told
from agent.fleet.farm.model import NS_PER_S, Clock, Plan, Reason, Resource
from agent.fleet.farm.plan import plan
from agent.fleet.farm.view import FarmView, farm_patterns
from agent.fleet.farm.waiting_work import WaitingWork, demand_pattern, source_of
from agent.fleet.farm.wall_clock import local_time
from agent.fleet.mqtt_bus import boot_clock_ns
from agent.fleet.node.documents import Asker, Direction, Target, encode
from agent.fleet.node.peers import revisions_spent
from agent.fleet.node.topics import Leaf, topic
from agent.thermal.fan_memory import boot_id

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.fleet.bus import Bus, Lease, Message
    from agent.fleet.farm.model import FarmNode, Wish
    from agent.fleet.farm.tables import FarmFile

log = logging.getLogger(__name__)

LEAD_S = 10.0
"""How long the others wait for a leader that is gone."""
LOOK_S = 3.0
MEMORY = "farm.json"
AGAIN_S = 1.0
MAX_REASON = 300


class NotHandedBack(Exception):
    """A machine could not be handed back; says why."""


@dataclass(frozen=True, slots=True)
class _Round:
    """The last one."""

    at_ns: int
    nodes: tuple[FarmNode, ...]
    plan: Plan


class Farm:
    """Used on the asyncio loop only; `cycle` may also be called by hand."""

    def __init__(
        self,
        bus: Bus,
        file: FarmFile,
        domain: str,
        memory: MemoryFile,
        clock: Callable[[], int],
        local: Callable[[], datetime.datetime | None],
    ) -> None:
        """`clock` is monotonic, in ns, and goes on in suspend; `local` is None while it cannot be believed."""
        kept = memory.read()
        self.view = FarmView(file, clock(), kept.seen_ns)
        self.work = WaitingWork()
        self.beaten: Callable[[], None] = lambda: None
        """Called by `run` at each look, so that somebody may notice when it hangs."""
        self._bus = bus
        self._file = file
        self._domain = domain
        self._memory_file = memory
        self._memory = kept.memory
        self._clock = clock
        self._local = local
        self._lease: Lease | None = None
        self._due_ns = 0
        self._round: _Round | None = None
        self._unwritten: dict[str, str] = {}
        """Why targets of the last round did not reach the broker, by machine."""

    @property
    def leads(self) -> bool:
        """By this process's own clock: a pause ends it."""
        return self._lease is not None and self._clock() < self._lease.until_ns

    async def run(self) -> None:
        """Until cancelled."""
        hearing = [asyncio.create_task(self._listen(pattern)) for pattern in self.patterns]
        try:
            while not any(task.done() for task in hearing):
                await self.cycle()
                self.beaten()
                await asyncio.sleep(LOOK_S)
        finally:
            for task in hearing:
                task.cancel()
            for ended in await asyncio.gather(*hearing, return_exceptions=True):
                if isinstance(ended, Exception):
                    log.error("farm of %s: hears no more: %r", self._domain, ended)

    @property
    def patterns(self) -> list[str]:
        """What is to be heard."""
        return [*farm_patterns(self._file), demand_pattern(self._domain)]

    def hear(self, message: Message) -> None:
        """One message; what is refused is counted."""
        now_ns, source = self._clock(), source_of(message.topic, self._domain)
        if source is None:
            self.view.hear(message, now_ns)
            return
        refusal = self.work.hear(message.payload, source, now_ns)
        if refusal is not None:
            self.view.refusals.add(refusal, now_ns)

    async def cycle(self) -> bool:
        """Take or renew the lead; if it is ours and a round is due, plan and write. Returns whether there was one."""
        led = self.leads
        try:
            self._lease = await self._bus.lease(f"farm-{self._domain}", LEAD_S)
        except BusError as error:
            log.debug("farm of %s: %s", self._domain, error)  # what is held holds on until its end
        if not self.leads:
            if led:
                log.warning("farm of %s: leads no more", self._domain)
            return False
        now_ns = self._clock()
        if not led:
            log.info("farm of %s: leads now", self._domain)
            await self._take_over()
            self._due_ns = now_ns
        if now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + self._file.round_ns
        await self._plan(now_ns)
        return True

    # ------------------------------------------------------------------ what a person asks

    async def hand_back(self, node: str, by: str) -> str:
        """A machine whose target a person has set goes back to the automation. Raises NotHandedBack."""
        if node not in self._file.nodes:
            known = ", ".join(sorted(self._file.nodes)[:20])
            raise NotHandedBack(f"there is no machine {node!r} in [farm.nodes]; there are: {known}")
        target = self.view.target_of(node)
        if target is None:
            raise NotHandedBack(f"{node} has no target yet: it is the automation's already")
        try:
            await self._write(node, target.target, f"handed back by {by}")
        except BusError as error:
            raise NotHandedBack(str(error)) from error
        return f"{node} is the automation's again; it stays {target.target.value} until a round decides otherwise"

    def status(self) -> dict[str, Any]:
        """What the last round saw and decided, as builtins."""
        now_ns, last = self._clock(), self._round
        found: dict[str, Any] = {
            "leads": self.leads,
            "round_age_s": None if last is None else (now_ns - last.at_ns) / NS_PER_S,
            "nodes": [] if last is None else [_line(node, last.plan) for node in last.nodes],
            "demand": {source: _named(demand.amounts) for source, demand in self.work.now(now_ns).items()},
            "unmet": {} if last is None else _named(last.plan.unmet),
            "stranded": [] if last is None else list(last.plan.stranded),
            "unwritten": self._unwritten,
            "contested": list(self.view.contested()),
            "refused": {because.value: count for because, count in self.view.refusals.count.items()},
        }
        return found

    # ------------------------------------------------------------------ steps

    async def _listen(self, pattern: str) -> None:
        async for message in self._bus.subscribe(pattern):
            self.hear(message)

    async def _take_over(self) -> None:
        """Wakes that another one did today are not done again."""
        with contextlib.suppress(BusError):
            entry = await self._bus.get(self._key)
            if entry is not None:
                self._memory = merged(self._memory, entry.value)

    async def _plan(self, now_ns: int) -> None:
        nodes = tuple(self.view.nodes(now_ns))
        clock = Clock(now_ns, self._local())
        found = plan(clock, nodes, self.work.total(now_ns), self._file.settings, self._memory)
        if self.work.begins(now_ns):
            found = _none_spare(found)
        before, self._round = self._round, _Round(now_ns, nodes, found)
        await self._keep(found)
        self._unwritten = {}
        for wish in found.wishes:
            await self._follow(wish)
        still = set() if before is None else {*found.stranded} & {*before.plan.stranded}
        for segment in sorted(still):
            log.warning("farm of %s: nobody is awake in segment %s to wake others", self._domain, segment)

    async def _keep(self, found: Plan) -> None:
        """Before anything is written: a date that is used up must not be used again after a crash."""
        changed, self._memory = found.memory != self._memory, found.memory
        try:
            await asyncio.to_thread(self._memory_file.write, self._memory, self.view.seen_ns())
        except OSError as error:
            log.warning("farm of %s: %s is not kept: %s", self._domain, self._memory_file.file, error)
        if changed:
            with contextlib.suppress(BusError):
                await self._bus.put(self._key, told(self._memory))

    async def _follow(self, wish: Wish) -> None:
        if not self.leads:
            self._unwritten[wish.node] = "the lead was lost meanwhile"
            return
        before = self.view.target_of(wish.node)
        if before is not None and before.asked_by is Asker.PERSON:
            self._unwritten[wish.node] = "a person has set its target meanwhile"
            return
        try:
            await self._write(wish.node, wish.target, f"{wish.reason.value}: {wish.text}")
        except BusError as error:
            self._unwritten[wish.node] = str(error)
        else:
            log.info(
                "farm of %s: %s %s, %s: %s", self._domain, wish.node, wish.target.value, wish.reason.value, wish.text
            )

    async def _write(self, node: str, target: Direction, reason: str) -> None:
        """Raises BusError."""
        revision = self.view.next_revision(node)
        if revision is None:
            raise BusError(revisions_spent(node))
        document = Target(
            node=node, target=target, revision=revision, asked_by=Asker.AUTOMATION, reason=reason[:MAX_REASON]
        )
        name = topic(self._file.nodes[node].segment, node, Leaf.TARGET)
        await self._bus.publish(name, encode(document), retain=True, qos=1)

    @property
    def _key(self) -> str:
        return f"farm-{self._domain}"


def start_farm(bus: Bus, file: FarmFile, domain: str, state_dir: Path) -> Farm:
    """As a program runs it: with this computer's clocks, and its memory in `state_dir`."""
    memory = MemoryFile(state_dir / MEMORY, boot_id())
    return Farm(bus, file, domain, memory, boot_clock_ns, partial(local_time, trusted=file.trust_clock))


def _none_spare(found: Plan) -> Plan:
    spare = {
        wish.node: "work was taken off the list a moment ago" for wish in found.wishes if wish.reason is Reason.SPARE
    }
    wishes = tuple(wish for wish in found.wishes if wish.node not in spare)
    return replace(found, wishes=wishes, kept={**found.kept, **spare})


def _line(node: FarmNode, found: Plan) -> dict[str, Any]:
    wish = next((wish for wish in found.wishes if wish.node == node.name), None)
    if wish is not None:
        why = f"{wish.target.value}, {wish.reason.value}: {wish.text}"
    elif node.manual:
        why = "a person has set its target"
    else:
        why = found.kept.get(node.name, "")
    return {
        "node": node.name,
        "segment": node.segment,
        "state": None if node.state is None else node.state.value,
        "target": None if node.target is None else node.target.value,
        "manual": node.manual,
        "wish": None if wish is None else wish.target.value,
        "why": why,
        "used": _named(node.used),
        "capacity": _named(node.capacity),
    }


def _named(amounts: Mapping[Resource, float]) -> dict[str, float]:
    return {resource.value: amount for resource, amount in amounts.items() if amount}
