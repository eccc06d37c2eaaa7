# SPDX-License-Identifier: Apache-2.0
"""Adapter `mqtt-plug`: a smart plug or relay behind an MQTT broker, such as one with Tasmota or Zigbee2MQTT."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.hardware.adapters.interface import Ability, AdapterError, AdapterKind, AdapterOptions, Level, Sense
from agent.hardware.adapters.plug_link import PlugBroker, PlugLink
from agent.hardware.adapters.plug_state import PlugState, level_of
from agent.hardware.adapters.secret_file import read_secret
from agent.mqtt.url import parse_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.hardware.adapters.interface import Fault, Precondition, Surroundings
    from agent.profile.schema import Profile

Topic = Annotated[str, msgspec.Meta(pattern=r"^[^+#\x00]+$", max_length=256)]
NoTopic = Annotated[str, msgspec.Meta(pattern=r"^[^+#\x00]*$", max_length=256)]
Payload = Annotated[str, msgspec.Meta(max_length=1024)]


class PlugOptions(AdapterOptions, frozen=True, kw_only=True):
    """Broker, topics and payloads."""

    url: str
    """`mqtt://[USER@]HOST[:PORT]`, mqtts, ws, wss or unix."""
    password_file: str = ""
    ca_file: str = ""
    command_topic: Topic
    on_payload: Payload = "ON"
    off_payload: Payload = "OFF"
    state_topic: Topic
    state_on: Payload = "ON"
    state_off: Payload = "OFF"
    state_key: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """The state is a JSON object, and this is its key; empty = the whole payload."""
    availability_topic: NoTopic = ""
    """Where the plug's last will says that it is away."""
    available: Payload = "Online"
    query_topic: NoTopic = ""
    """Publishing here makes the plug tell its state."""
    query_payload: Payload = ""
    query_s: Annotated[float, msgspec.Meta(ge=0.2, le=3600)] = 30.0
    """How often it is asked; a plug that owes two answers is away."""


def abilities(options: PlugOptions) -> frozenset[Ability]:
    return frozenset({Ability.ON, Ability.OFF, Ability.SENSE})


def faults(options: PlugOptions, profile: Profile) -> Iterator[Fault]:
    try:
        parse_url(options.url)
    except ValueError as error:
        yield "url", str(error)
    if not options.availability_topic and not options.query_topic:
        why = "is missing: without it, or query_topic, nobody would notice that the plug is away"
        yield "availability_topic", why
    if options.state_on == options.state_off:
        yield "state_off", "is the same as state_on"
    if options.state_topic == options.command_topic:
        yield "state_topic", "is the command_topic: our own words would count as the plug's"


class PlugAdapter:
    """Implements PowerAdapter. A command is sent now or never, and is done when the plug tells its new state."""

    reports = True

    def __init__(self, options: PlugOptions, around: Surroundings) -> None:
        self.abilities = abilities(options)
        self._options = options
        self._around = around
        self._state = PlugState(needs_availability=bool(options.availability_topic))
        self._changed = asyncio.Event()
        self._answers = 0
        self._echoes = 0
        self._owed = 0
        self._pending = 0
        """Questions whose answers are on their way."""
        self._tell: Callable[[Sense], None] | None = None
        self._told: Sense | None = None
        self._link: PlugLink | None = None
        self._asking: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------ PowerAdapter

    async def start(self, tell: Callable[[Sense], None]) -> None:
        await self._let_go()
        options = self._options
        password = read_secret(options.password_file, "password_file", self._around) if options.password_file else None
        broker = PlugBroker(parse_url(options.url), password, options.ca_file)
        topics = tuple(filter(None, (options.state_topic, options.availability_topic)))
        try:
            link = PlugLink(broker, topics, (options.command_topic,), self, asyncio.get_running_loop())
        except (OSError, ValueError) as error:
            raise self._around.error(f"ca_file {options.ca_file}: {error}: name a PEM file") from error
        self._tell, self._link = tell, link
        self._became()
        link.start()
        if options.query_topic:
            self._asking = asyncio.create_task(self._keep_asking(), name=f"{self._around.place}-query")

    async def act(self, ability: Ability, when: Precondition) -> None:
        if ability not in (Ability.ON, Ability.OFF):
            raise self._around.error(f"cannot do {ability.value!r}: a plug is on or off")
        options, wanted = self._options, Level.ON if ability is Ability.ON else Level.OFF
        fresh = await self._fresh()
        when.confirm(fresh)
        echoes = self._echoes
        payload = options.on_payload if wanted is Level.ON else options.off_payload
        if self._link is None or not self._link.send(options.command_topic, payload):
            raise self._around.error(f"{options.url}: the connection was lost; nothing was sent")
        if await self._until(lambda: self._sense().level is wanted):
            return
        if self._echoes == echoes:
            self._link.drop()
            raise self._around.error(
                f"{options.url} did not take the command; the connection was cut, not to have it late"
            )
        why = f"it was told {payload!r} on {options.command_topic} and its state did not follow"
        raise self._around.error(f"the plug is stuck: {why}")

    async def close(self) -> None:
        self._tell = None
        await self._let_go()

    # ------------------------------------------------------------------ PlugUser

    def link_up(self) -> None:
        self._state = self._state.link_up()
        self._pending = 0
        self._ask()
        self._became()

    def link_down(self, why: str) -> None:
        self._state = self._state.link_down(f"{self._options.url}: {why}")
        self._owed = 0
        self._became()

    def heard(self, topic: str, payload: bytes, retained: bool) -> None:
        options = self._options
        if topic == options.state_topic:
            self._heard_state(payload, retained)
        elif topic == options.availability_topic:
            self._heard_availability(payload.decode("utf-8", "replace"))
        elif topic == options.command_topic:
            self._echoes += 1
        self._became()

    # ------------------------------------------------------------------ inside

    def _heard_state(self, payload: bytes, retained: bool) -> None:
        options = self._options
        if retained and not options.availability_topic:
            return  # of a plug that may be long gone: it is asked itself
        try:
            level = level_of(payload, options.state_key, {options.state_on: Level.ON, options.state_off: Level.OFF})
        except ValueError as error:
            self._state = self._state.nonsense(f"{options.state_topic}: {error}")
            return
        if level is None:
            return
        if not retained:
            self._answers += 1
            self._pending = max(0, self._pending - 1)
            self._owed = 0
        self._state = self._state.heard(level)

    def _heard_availability(self, word: str) -> None:
        options, link = self._options, self._link
        was, here = self._state.available, word == options.available
        self._state = self._state.availability(here, f"{options.availability_topic} says {word[:40]!r}")
        if here and was is False and link is not None:
            link.hear_again(options.state_topic)  # what it was before it went is not what it is
            self._ask()

    def _sense(self) -> Sense:
        options = self._options
        if self._owed >= 2:
            why = f"the plug does not answer on {options.state_topic}"
            return Sense(Level.UNKNOWN, f"{self._around.place}: {why}")
        level, why = self._state.sense(options.state_topic, options.availability_topic)
        return Sense(level, f"{self._around.place}: {why}" if why else "")

    def _became(self) -> None:
        self._changed.set()
        sense = self._sense()
        if self._tell is not None and sense != self._told:
            self._told = sense
            self._tell(sense)

    async def _fresh(self) -> Level:
        """The plug's own word where it can be asked, else the last one. Raises AdapterError."""
        if self._options.query_topic and self._state.connected:
            await self._until(lambda: self._pending == 0)  # an answer on its way is older than the question below
            answers = self._answers
            self._ask()
            if not await self._until(lambda: self._answers > answers):
                raise self._around.error(f"the plug does not answer on {self._options.state_topic}; nothing was sent")
        sense = self._sense()
        if sense.level is Level.UNKNOWN:
            raise AdapterError(f"{sense.reason}; nothing was sent")
        return sense.level

    async def _until(self, holds: Callable[[], bool]) -> bool:
        """Whether it holds within a third of the deadline: a command waits three times."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.timeout_s / 3):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        return holds()

    def _ask(self) -> None:
        if self._options.query_topic and self._link is not None:
            self._pending += self._link.send(self._options.query_topic, self._options.query_payload)

    async def _keep_asking(self) -> None:
        while True:
            await asyncio.sleep(self._options.query_s)
            if self._state.connected:
                self._owed += 1
                self._ask()
                self._became()

    async def _let_go(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking
            self._asking = None
        if self._link is not None:
            link, self._link = self._link, None
            await link.close()


KIND = AdapterKind(
    "a smart plug or relay behind an MQTT broker",
    PlugOptions,
    abilities,
    PlugAdapter,
    faults,
    frozenset({Ability.ON, Ability.OFF, Ability.SENSE}),
)
