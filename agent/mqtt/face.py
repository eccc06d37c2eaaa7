# SPDX-License-Identifier: Apache-2.0
"""The MQTT face of a board: joins connection, publisher and command desk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING

from agent.mqtt import topics
from agent.mqtt.connection import Connection
from agent.mqtt.desk import CommandDesk
from agent.mqtt.ending import DOUBLE_ID, FAILURE, EndingKind
from agent.mqtt.event_queue import MemoryEventQueue
from agent.mqtt.homeassistant.announcer import Announcer
from agent.mqtt.homeassistant.naming import Naming
from agent.mqtt.message import Outgoing
from agent.mqtt.publisher import Publisher
from agent.mqtt.retained import MemoryStore, RetainedTopics
from agent.mqtt.status import MqttStatus
from agent.mqtt.telemetry import Pace, Telemetry
from agent.mqtt.twin import TwinWatch
from agent.mqtt.wall_clock import unix_s

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from agent.events.bus import EventBus, Subscription
    from agent.mqtt.board import MqttBoard
    from agent.mqtt.config import MqttConfig
    from agent.mqtt.ending import Ending
    from agent.mqtt.event_queue import EventQueue
    from agent.mqtt.link import Link
    from agent.mqtt.message import Incoming
    from agent.mqtt.retained import Parts, Store
    from agent.mqtt.sample_spool import SampleSpool

log = logging.getLogger(__name__)

SUBSCRIBE_S = 10.0
EXPIRE_HEARTBEATS = 3
MIN_EXPIRE_S = 15
"""Home Assistant calls a reading unavailable when so many heartbeats, and at least so long, brought no new one."""
FLUSH_S = 1.0
FAREWELL_S = 0.4
GOODBYE_S = 0.4
"""Together under the 2 s that a stop may take."""


class MqttFace:
    """Used on the loop's thread. The broker may be absent, silent or gone at any time; nothing here waits for it."""

    def __init__(
        self,
        config: MqttConfig,
        board: MqttBoard,
        bus: EventBus,
        *,
        events: EventQueue | None = None,
        samples: SampleSpool | None = None,
        store: Store | None = None,
        wall_clock: Callable[[], float | None] = unix_s,
    ) -> None:
        """`wall_clock` gives Unix seconds, or None while the clock is not set; `store` outlives the agent."""
        self._config = config
        self._board = board
        self._events = MemoryEventQueue() if events is None else events
        self._publisher = Publisher(config.base, board, self._events, samples)
        self._telemetry = Telemetry(
            config.base, board, self._publisher, self._counters, pace(config), config.telemetry, samples
        )
        self._desk = CommandDesk(config.base, board, self._publisher.answer, wall_clock, roles=config.roles)
        self._retained = RetainedTopics(MemoryStore() if store is None else store)
        self._announcer = Announcer(naming(config, pace(config)), board, self._retained, self._introduce)
        self._connection = Connection(config, self)
        self._twin = TwinWatch()
        self._subscription: Subscription = bus.subscribe("mqtt")
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscribing: asyncio.Task[None] | None = None
        self._command_error = ""
        self._paced = asyncio.Event()
        self._open = False

    async def prepare(self) -> None:
        """Remember what will be retained, before any of it is."""
        await self._retained.remember(self._present())

    def start(self) -> None:
        """Returns at once; the broker is reached whenever that is possible."""
        self._open = True
        if not self._config.commands:
            log.warning(
                "MQTT: commands are not taken from %s: it is neither the loopback interface nor TLS nor asks for"
                " credentials, or mqtt.commands = false is set in the site file",
                self._config.url,
            )
        self._board.watch(self._changed)
        self._spawn(self._forward_events(), "mqtt-events")
        self._spawn(self._sample(), "mqtt-telemetry")
        self._connection.start()

    async def close(self) -> None:
        """Tell the broker what it does not know yet and `offline`, then leave. Takes at most 2 s."""
        if not self._open:
            return
        self._open = False
        await self._desk.close()
        await self._settle(FLUSH_S)
        self._publisher.farewell()
        await self._settle(FAREWELL_S)
        await self._connection.close(GOODBYE_S)
        self._subscription.close()
        for task in tuple(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def set_pace(self, interval_s: float, heartbeat_s: float) -> None:
        """How often telemetry is taken, and published without a change, from now on."""
        self._telemetry.pace = Pace(interval_s, heartbeat_s)
        self._announcer.naming = naming(self._config, self._telemetry.pace)
        self._paced.set()
        if self._publisher.linked:
            self._publisher.announce(self._announcer.changes())

    def status(self) -> MqttStatus:
        link, connection, publisher, desk = self._connection.link, self._connection, self._publisher, self._desk
        queue = self._events.state()
        dropped = {**queue.dropped, **({"lag": self._subscription.dropped} if self._subscription.dropped else {})}
        return MqttStatus(
            connected=link is not None,
            protocol="" if link is None else link.version.value,
            url=connection.url,
            base=self._config.base,
            text=connection.text if not self._command_error else f"{connection.text}; {self._command_error}",
            commands=self._config.commands and not self._command_error,
            subscribed=self._desk.admission.open,
            published=publisher.published,
            refused_by_broker=publisher.refused,
            accepted_commands=desk.accepted,
            refused_commands=sum(desk.refused.values()),
            refused_commands_by_reason={kind.value: count for kind, count in desk.refused.items() if count},
            waiting_events=len(self._events),
            dropped_events=sum(dropped.values()),
            dropped_events_by_reason=dropped,
            spool_bytes=queue.disk_bytes,
            spool_error=queue.disk_error,
            spool_damage=queue.damage,
            dropped_answers=publisher.dropped_answers,
            skipped_telemetry=self._telemetry.skipped,
            reconnects=max(0, connection.established - 1),
            last_error=connection.last_error or publisher.last_refusal,
        )

    # ------------------------------------------------------------------ the connection

    def link_up(self, link: Link) -> None:
        # info: before ours takes its place
        link.subscribe([f"{self._config.base}/{topics.INFO}", *self._announcer.filters])
        self._publisher.announce(self._announcer.messages())
        self._publisher.link_up(link)
        self._remove()
        self._telemetry.link_up()
        self._paced.set()  # readings now, not when the interval is over
        if self._config.commands and self._open:
            self._subscribing = self._spawn(self._subscribe(link), "mqtt-subscribe")

    def link_down(self, ending: Ending) -> None:
        self._twin.link_ended(ending.lasted_s)
        if self._subscribing is not None:
            self._subscribing.cancel()
            self._subscribing = None
        self._desk.admission.lost()
        self._announcer.link_down()
        self._publisher.link_down()

    def received(self, message: Incoming) -> None:
        if not self._open:
            return
        if message.foreign:
            self._announcer.received(message)
        elif message.topic == topics.INFO:
            self._found_info(message)
        elif self._config.commands:
            self._desk.take(message)

    def _found_info(self, message: Incoming) -> None:
        ours = self._publisher.last(topics.INFO)
        if message.payload == ours:
            self._twin.published(message.payload)
        elif self._twin.found(message.payload) and self._connection.link is not None:
            self._connection.link.abort(DOUBLE_ID, EndingKind.TAKEN_OVER)

    # ------------------------------------------------------------------ who listens

    def _introduce(self) -> None:
        if not self._open:
            return  # `offline` was said already
        self._publisher.announce(self._announcer.messages())
        self._publisher.introduce()
        self._telemetry.introduce()

    def _present(self) -> dict[str, Parts]:
        """Every retained topic of this board as it is now."""
        documents: dict[str, Parts] = {f"{self._config.base}/{topic}": {} for topic in self._board.documents()}
        return documents | {f"{self._config.base}/{topics.STATUS}": {}} | self._announcer.topics()

    def _remove(self) -> None:
        """Take out of the broker's memory what was there once: a supply that left the profile leaves its entities."""
        for topic in self._retained.gone(self._present()):
            log.info("MQTT: %s is no more", topic)
            self._publisher.announce([Outgoing(topic, b"", retain=True)], partial(self._removed, topic))

    def _removed(self, topic: str, code: int) -> None:
        if code < FAILURE:
            self._spawn(self._retained.forget(topic), "mqtt-forget")

    # ------------------------------------------------------------------ the board

    def _changed(self, source: str) -> None:
        if self._open:
            self._publisher.changed(source)
            if source.startswith("psu/") and self._publisher.linked:
                self._announcer.supply_changed(self._publisher.announce)

    def _counters(self) -> dict[str, int]:
        status = self.status()
        return {
            "waiting_events": status.waiting_events,
            "dropped_events": status.dropped_events,
            "skipped_telemetry": status.skipped_telemetry,
            "refused_commands": status.refused_commands,
            "reconnects": status.reconnects,
        }

    async def _forward_events(self) -> None:
        while True:
            self._publisher.event(await self._subscription.get())

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            self._telemetry.sample()
            due_s = max(due_s + self._telemetry.pace.interval_s, loop.time())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due_s):
                    await self._paced.wait()
                self._paced.clear()
                due_s = loop.time()

    async def _subscribe(self, link: Link) -> None:
        self._command_error = ""
        try:
            codes = await asyncio.wait_for(link.subscribe(self._desk.filters), SUBSCRIBE_S)
        except TimeoutError:
            link.abort("the broker does not answer SUBSCRIBE")
            return
        if any(code >= FAILURE for code in codes):
            self._command_error = "the broker does not let this board subscribe to its command topics"
            log.warning("MQTT: %s (reason codes %s)", self._command_error, codes)
        self._desk.subscribed()

    # ------------------------------------------------------------------ tasks

    def _spawn(self, coroutine: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _settle(self, within_s: float) -> None:
        """Give what waits a chance to reach the broker."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        await asyncio.sleep(0.01)  # what the bus has handed out gets into the queue
        while not self._publisher.idle and loop.time() < until_s:
            await asyncio.sleep(0.01)


def pace(config: MqttConfig) -> Pace:
    interval_s = config.telemetry_interval_s
    return Pace(interval_s, interval_s if config.heartbeat_s is None else max(interval_s, config.heartbeat_s))


def naming(config: MqttConfig, pace: Pace) -> Naming | None:
    if not config.discovery_prefix:
        return None
    expire_after_s = max(MIN_EXPIRE_S, round(EXPIRE_HEARTBEATS * pace.heartbeat_s))
    board = config.base.rpartition("/")[2]
    return Naming(config.base, board, config.discovery_prefix, expire_after_s, config.discovery_role)
