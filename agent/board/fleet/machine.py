# SPDX-License-Identifier: Apache-2.0
"""One machine of the fleet at work: messages and time to its core, and what that decides done."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.board.fleet.wake_failures import WakeFailures
from agent.events.event import EventKind
from agent.fleet.bus import BusError
from agent.fleet.mqtt_bus import boot_clock_ns
from agent.fleet.node.actions import Burst, Happening, Persist, PowerOn, Publish, Sleep, Tell, Wake
from agent.fleet.node.burst import BurstFailed
from agent.fleet.node.documents import LEAF_OF, Heartbeat, encode
from agent.fleet.node.topics import patterns, place, topic
from agent.power.request import Action

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from agent.board.fleet.means import Means
    from agent.board.fleet.memory import FleetMemory
    from agent.fleet.bus import NodeBus
    from agent.fleet.node.actions import Action as FleetAction
    from agent.fleet.node.core import NodeCore
    from agent.fleet.node.desired import Remembered
    from agent.fleet.node.documents import WakeSent
    from agent.fleet.node.load import LoadMeter
    from agent.power.request import Reply

log = logging.getLogger(__name__)

STEP_S = 1.0
LOOK_S = 10.0
PUBLISH_S = 10.0
"""So long the messenger may take to be handed a message."""
AGAIN_S = 1.0
SUSPEND_NS = 1_000_000_000
"""A computer that stood still for less did not sleep."""
LOAD_S = 60.0
FIRST_LOAD_S = 10.0
KINDS = {
    Happening.NOT_ASLEEP: EventKind.FLEET_NOT_ASLEEP,
    Happening.NOT_AWAKE: EventKind.FLEET_NOT_AWAKE,
    Happening.NAME_TAKEN: EventKind.FLEET_NAME_TAKEN,
    Happening.WAKE_FAILED: EventKind.FLEET_WAKE_FAILED,
}


LOOKS = 10


def suspended_ns() -> int:
    """How long this computer was suspended since it has booted; what the two clocks of the kernel differ by.

    A process that has to wait between the readings was not suspended: of several looks the closest one counts.
    """
    _, differ_ns = min(_look_at_clocks() for _ in range(LOOKS))
    return differ_ns


def _look_at_clocks() -> tuple[int, int]:
    """How long reading them took, and what they differ by."""
    before_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) - before_ns, boot_ns - before_ns


Send = Callable[[Sequence[str], int, int, Callable[[], object]], Awaitable[None]]
"""Sends magic packets: for these cards, so many, so far apart in ns; calls the last when the first ones are out."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the board lends."""

    memory: FleetMemory
    emit: Callable[..., object]
    burst: Send
    clock: Callable[[], int] = boot_clock_ns
    suspended_ns: Callable[[], int] = suspended_ns
    """How long this computer was suspended since it has booted."""
    meter: LoadMeter | None = None
    """Of the computer that this runs on, if that is the machine."""


class FleetMachine:
    """Used on the loop's thread."""

    def __init__(
        self, node: str, segment: str, core: NodeCore, bus: NodeBus, means: Means, around: Surroundings
    ) -> None:
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
        self._once: set[asyncio.Task[None]] = set()
        """Work that ends by itself: bursts, what failed later."""
        self._tasks: list[asyncio.Task[None]] = []
        self.wake_failures = WakeFailures()
        self.uptimes = around.memory.uptimes(node)
        """Its own, over all boots."""
        self.unreached_since_ns: int | None = around.clock()
        self._connection = 0
        self._will = core.will()
        self._suspended_ns = around.suspended_ns()
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
        for task in (*self._tasks, *self._once):
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, *self._once, *keeper, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("fleet: a task of %s had ended: %r", self.node, ended)
        self._means.close()

    @property
    def connected(self) -> bool:
        return self._bus.connection > 0

    @property
    def broker(self) -> str:
        """What the connection does, for a person."""
        return self._bus.text

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
                self._follow_suspends(now_ns)
                self._follow_connection()
                seen = replace(self._means.seen(now_ns), reached=self.connected)
                await self._do(self.core.step(now_ns, seen))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STEP_S):
                    await self._woken.wait()

    def _follow_suspends(self, now_ns: int) -> None:
        before_ns, self._suspended_ns = self._suspended_ns, self._around.suspended_ns()
        slept_ns = self._suspended_ns - before_ns
        if slept_ns >= SUSPEND_NS:
            log.info("fleet: %s was suspended for %d s", self.node, slept_ns // 1_000_000_000)
            self.core.resumed(now_ns)

    def _follow_connection(self) -> None:
        """The will of an earlier start is not believed by anybody, so a new start needs a new connection."""
        if self._bus.connection != self._connection:
            self._connection = self._bus.connection
            self.unreached_since_ns = None if self._connection else self._around.clock()
            if self._connection:
                self.core.connected(self._around.clock())
        if self.core.will() != self._will:
            self._will = self.core.will()
            self._bus.renew()

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
                    self._switch(Action.SOFT_OFF, reason, self.node, self._not_followed)
                case Wake(reason):
                    self._switch(Action.ON, reason, self.node, self._not_followed)
                case Burst():
                    self._send(action)
                case PowerOn(node, reason, announcement):
                    await self._power_on(node, reason, announcement)
                case Tell(happening, node, text):
                    self._tell(happening, node, text)

    def _tell(self, happening: Happening, node: str, text: str) -> None:
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
        if isinstance(document, Heartbeat):
            await self._count(document)

    async def _count(self, beat: Heartbeat) -> None:
        """Its own uptime, on the disk with each heartbeat, whether or not a broker was there to hear it."""
        refusal = self.uptimes.heartbeat(beat, self._around.clock())
        try:
            await self._around.memory.keep_uptimes(self.node, self.uptimes)
        except OSError as error:
            log.warning("fleet: the uptime of %s is not stored: %s", self.node, error)
        if refusal is not None:
            log.warning("fleet: the uptime of %s is not counted: %s", self.node, refusal.text)

    def _switch(self, action: Action, reason: str, node: str, failed: Callable[[str], None]) -> bool:
        """Ask for it; `failed` is told why, now or later. Whether it was taken."""
        reply, outcome = self._means.switch(action, node)
        level = logging.INFO if reply.verdict.good else logging.WARNING
        log.log(level, "fleet: %s: %s (%s): %s %s", node, action.value, reason, reply.verdict.value, reply.reason)

        def ended(done: asyncio.Future[Reply]) -> None:
            if not done.cancelled() and not done.result().verdict.good:
                failed(f"{done.result().verdict.value}: {done.result().reason}")

        if outcome is not None:
            outcome.add_done_callback(ended)
        elif not reply.verdict.good:
            failed(f"{reply.verdict.value}: {reply.reason}")
        return reply.verdict.good

    def _not_followed(self, why: str) -> None:
        """The machine was told to follow its target and cannot: it says so at once, not after its time."""
        self._begin_once(self._tell_failure(why), f"fleet-{self.node}-not-followed")

    async def _tell_failure(self, why: str) -> None:
        async with self._turn:
            await self._do(self.core.refused(why, self._around.clock()))
        self._woken.set()

    async def _power_on(self, node: str, reason: str, announcement: WakeSent) -> None:
        """What is refused is not announced: others take over."""
        if self._switch(Action.ON, reason, node, functools.partial(self._wake_failed, node)):
            await self._publish(Publish(announcement))

    def _send(self, burst: Burst) -> None:
        self._begin_once(self._sent(burst), f"fleet-wake-{burst.node}")

    def _begin_once(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._once.add(task)
        task.add_done_callback(self._once.discard)

    async def _sent(self, burst: Burst) -> None:
        def begun() -> None:
            self._begin_once(self._publish(Publish(burst.announcement)), f"fleet-sent-{burst.node}")

        try:
            await self._around.burst(burst.macs, burst.count, burst.gap_ns, begun)
        except (BurstFailed, ValueError, OSError) as error:
            self._wake_failed(burst.node, str(error))

    def _wake_failed(self, node: str, why: str) -> None:
        log.warning("fleet: %s is not woken from here: %s", node, why)
        text = self.wake_failures.failed(node, why, self._around.clock())
        if text is not None:
            self._tell(Happening.WAKE_FAILED, self.node, text)

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
