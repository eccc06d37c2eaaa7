# SPDX-License-Identifier: Apache-2.0
"""One machine of the fleet at work: messages and time to its core, and what that decides done."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.fleet.bus import BusError
from agent.fleet.node.actions import Burst, Happening, Persist, Publish, Sleep, Tell, Wake
from agent.fleet.node.burst import BurstFailed
from agent.fleet.node.documents import LEAF_OF, Heartbeat, encode
from agent.fleet.node.topics import patterns, place, topic
from agent.power.request import Action

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from agent.board.fleet.means import Means
    from agent.board.fleet.memory import FleetMemory
    from agent.fleet.bus import Bus
    from agent.fleet.node.actions import Action as FleetAction
    from agent.fleet.node.core import NodeCore
    from agent.fleet.node.desired import Remembered
    from agent.fleet.node.load import LoadMeter

log = logging.getLogger(__name__)

STEP_S = 1.0
LOOK_S = 10.0
PUBLISH_S = 10.0
"""So long the messenger may take to be handed a message."""
AGAIN_S = 1.0
LOAD_S = 60.0
FIRST_LOAD_S = 10.0
KINDS = {
    Happening.NOT_ASLEEP: EventKind.FLEET_NOT_ASLEEP,
    Happening.NOT_AWAKE: EventKind.FLEET_NOT_AWAKE,
    Happening.NAME_TAKEN: EventKind.FLEET_NAME_TAKEN,
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the board lends. `burst(macs, count, gap_ns)` sends magic packets."""

    memory: FleetMemory
    emit: Callable[..., object]
    burst: Callable[[Sequence[str], int, int], Awaitable[None]]
    clock: Callable[[], int] = time.monotonic_ns
    meter: LoadMeter | None = None
    """Of the computer that this runs on, if that is the machine."""


class FleetMachine:
    """Used on the loop's thread."""

    def __init__(self, node: str, segment: str, core: NodeCore, bus: Bus, means: Means, around: Surroundings) -> None:
        self.node = node
        self.core = core
        self._segment = segment
        self._bus = bus
        self._means = means
        self._around = around
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        """Actions of one decision are done before the next one is made."""
        self._keeping: Remembered | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._bursts: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._loads = 0

    def start(self) -> None:
        for pattern in patterns(self._segment):
            self._begin(f"fleet-{self.node}-hear", functools.partial(self._hear, pattern))
        self._begin(f"fleet-{self.node}-look", self._look)
        self._begin(f"fleet-{self.node}", self._step)
        if self._around.meter is not None:
            self._begin(f"fleet-{self.node}-load", functools.partial(self._tell_load, self._around.meter))

    async def close(self) -> None:
        """Stop; nothing is switched. What is being stored is stored to its end."""
        keeper = [self._keeper] if self._keeper else []
        for task in (*self._tasks, *self._bursts):
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, *self._bursts, *keeper, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("fleet: a task of %s had ended: %r", self.node, ended)
        self._means.close()

    # ------------------------------------------------------------------ tasks

    def _begin(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._tasks.append(asyncio.create_task(self._again(name, work), name=name))

    async def _again(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """What fails, or ends, begins anew: the machine stays as it is meanwhile."""
        while True:
            try:
                await work()
            except BusError as error:
                log.info("%s: %s", name, error)
            except Exception:  # a fault of ours must not end the task
                log.exception("%s", name)
            await asyncio.sleep(AGAIN_S)

    async def _hear(self, pattern: str) -> None:
        async for message in self._bus.subscribe(pattern):
            found = place(message.topic)
            if found is None or found[0] != self._segment:
                continue
            _, node, leaf = found
            async with self._turn:
                now_ns = self._around.clock()
                await self._do(self.core.receive(leaf, node, message.payload, now_ns, retained=message.retained))
            self._woken.set()

    async def _look(self) -> None:
        while True:
            await self._means.look()
            self._woken.set()
            await asyncio.sleep(LOOK_S)

    async def _step(self) -> None:
        while True:
            self._woken.clear()
            async with self._turn:
                now_ns = self._around.clock()
                await self._do(self.core.step(now_ns, self._means.seen(now_ns)))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STEP_S):
                    await self._woken.wait()

    async def _tell_load(self, meter: LoadMeter) -> None:
        """How busy the machine is, for whoever decides which machines are needed."""
        pause_s = FIRST_LOAD_S
        while True:
            shares = meter.look()
            if shares is not None and self.core.machine.settled:
                self._loads += 1
                users = self._means.seen(self._around.clock()).users
                await self._publish(Publish(self.core.load(self._loads, shares, users), retain=True))
                pause_s = LOAD_S
            await asyncio.sleep(pause_s)

    # ------------------------------------------------------------------ actions

    async def _do(self, actions: Sequence[FleetAction]) -> None:
        for action in actions:
            match action:
                case Publish():
                    await self._publish(action)
                case Persist(remembered):
                    self._keep(remembered)
                case Sleep(reason):
                    self._switch(Action.SOFT_OFF, reason)
                case Wake(reason):
                    self._switch(Action.ON, reason)
                case Burst():
                    self._send(action)
                case Tell(happening, node, text):
                    self._around.emit(KINDS[happening], f"fleet/{node}", node, text)

    async def _publish(self, action: Publish) -> None:
        """What cannot be handed over is said again by the core, which misses its echo."""
        document = action.document
        name = topic(self._segment, document.node, LEAF_OF[type(document)])
        try:
            async with asyncio.timeout(PUBLISH_S):
                await self._bus.publish(name, encode(document), retain=action.retain, qos=1)
        except (BusError, TimeoutError) as error:
            log.info("fleet: %s: %s", name, error)
            if isinstance(document, Heartbeat):
                self.core.handed_over(False, self._around.clock())

    def _switch(self, action: Action, reason: str) -> None:
        reply = self._means.switch(action)
        level = logging.INFO if reply.verdict.good else logging.WARNING
        log.log(level, "fleet: %s: %s (%s): %s %s", self.node, action.value, reason, reply.verdict.value, reply.reason)

    def _send(self, burst: Burst) -> None:
        task = asyncio.create_task(self._sent(burst), name=f"fleet-wake-{burst.node}")
        self._bursts.add(task)
        task.add_done_callback(self._bursts.discard)

    async def _sent(self, burst: Burst) -> None:
        try:
            await self._around.burst(burst.macs, burst.count, burst.gap_ns)
        except (BurstFailed, ValueError, OSError) as error:
            log.warning("fleet: %s is not woken from here: %s", burst.node, error)

    def _keep(self, remembered: Remembered) -> None:
        """One write at a time; of those that wait only the last counts."""
        self._keeping = remembered
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._kept(), name=f"fleet-{self.node}-keep")

    async def _kept(self) -> None:
        while self._keeping is not None:
            remembered, self._keeping = self._keeping, None
            try:
                await self._around.memory.keep(self.node, remembered)
            except OSError as error:
                log.warning("fleet: what %s is to be is not stored: %s", self.node, error)
                continue
            self.core.persisted(remembered)
            self._woken.set()
