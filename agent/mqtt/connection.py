# SPDX-License-Identifier: Apache-2.0
"""Keeps a link to the broker: dials, waits, dials again, for as long as the agent runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from agent.mqtt.broker_choice import BrokerChoice
from agent.mqtt.dial import DialError, Dialler
from agent.mqtt.ending import Ending, EndingKind
from agent.mqtt.link import Link
from agent.mqtt.retry import Version, VersionChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.mqtt.config import MqttConfig
    from agent.mqtt.message import Incoming

log = logging.getLogger(__name__)

REACH_S = 3.0
"""Times the connect timeout: a name lookup, several addresses and TLS come together."""


class ConnectionUser(Protocol):
    """Who uses the links. Called on the loop's thread."""

    def link_up(self, link: Link) -> None: ...

    def link_down(self, ending: Ending) -> None: ...

    def received(self, message: Incoming) -> None: ...


class Connection:
    """Used on the loop's thread; nothing here blocks it."""

    def __init__(self, config: MqttConfig, user: ConnectionUser, chance: Callable[[], float] = random.random) -> None:
        self.link: Link | None = None
        """The accepted link, None while there is none."""
        self.established = 0
        """So many links were accepted since the start."""
        self.last_error = ""
        self.text = "not started"
        """What the connection does, for a person."""
        self._config = config
        self._user = user
        self._brokers = [replace(config, url=url) for url in (config.url, *config.fallbacks)]
        self._versions = [VersionChoice(config.first_version) for _ in self._brokers]
        self._diallers = [Dialler(broker) for broker in self._brokers]
        self._choice = BrokerChoice(len(self._brokers), chance, config.longest_retry_s)
        self.url = str(config.url)
        """The broker in use, or tried."""
        self._task: asyncio.Task[None] | None = None
        self._told = ""
        self._closing = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="mqtt-connection")

    async def close(self, within_s: float) -> None:
        """Say goodbye to the broker and stop."""
        if self._task is not None:
            if self.link is not None:
                self._closing = True
                await self.link.disconnect(within_s)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.text = "stopped"

    async def _run(self) -> None:
        while True:
            number, wait_s = self._choice.next(time.monotonic())
            if wait_s > 0:
                self.text = f"{self.last_error}; next attempt in {wait_s:.0f} s"
                await asyncio.sleep(wait_s)
            version = self._versions[number].current
            self.url = str(self._brokers[number].url)
            self.text = f"connecting to {self.url} with MQTT {version.value}"
            try:
                ending = await self._attempt(number, version)
            except Exception as error:  # a fault of ours must not end MQTT for good
                log.exception("MQTT: the connection failed")
                ending = Ending(EndingKind.UNREACHABLE, f"{type(error).__name__}: {error}")
            if self._closing:
                return
            self._versions[number].ended(ending)
            self._choice.ended(number, ending, version, time.monotonic())
            self._report(ending)

    async def _attempt(self, number: int, version: Version) -> Ending:
        """One connection, from dialling to its end."""
        config = self._brokers[number]
        reach_s = REACH_S * config.connect_timeout_s
        try:
            client = await asyncio.wait_for(self._diallers[number].dial(version), reach_s)
        except DialError as error:
            return Ending(EndingKind.UNREACHABLE, str(error))
        except TimeoutError:
            return Ending(EndingKind.UNREACHABLE, f"{config.url} was not reached within {reach_s:g} s")
        link = Link(client, version, config.base, self._user, config.inflight)
        try:
            refused = await link.accepted(config.answer_timeout_s)
            if refused is not None:
                return refused
            self._versions[number].accepted()
            self.link = link
            self.established += 1
            self.text = f"connected to {config.url} with MQTT {version.value}"
            self._told = ""
            log.info("MQTT: %s", self.text)
            self._user.link_up(link)
            return await self._until_its_end(link, number)
        finally:
            if self.link is not None:
                self.link = None
                link.abort("the agent stops")
                self._user.link_down(link.ended.result())
            else:
                link.abort("the agent stops")

    async def _until_its_end(self, link: Link, number: int) -> Ending:
        """While a broker is in use that is not the preferred one, look for a better one."""
        while number > 0:
            await asyncio.wait((link.ended,), timeout=self._config.return_s)
            if link.ended.done():
                break
            for better in self._choice.better(number, time.monotonic()):
                if await self._is_there(better) and not link.ended.done():
                    # Without a goodbye: the broker that is left sends the will, so that it shows offline.
                    link.abort(f"a preferred broker is back: {self._brokers[better].url}")
                    break
        return await asyncio.shield(link.ended)

    async def _is_there(self, number: int) -> bool:
        reach_s = REACH_S * self._config.connect_timeout_s
        try:
            return await asyncio.wait_for(self._diallers[number].reachable(), reach_s)
        except TimeoutError:
            return False

    def _report(self, ending: Ending) -> None:
        """Each cause is told once, not at every attempt."""
        self.last_error = self.text = ending.text
        if ending.kind is EndingKind.VERSION_REFUSED:
            level = logging.INFO  # the next attempt speaks the older version
        else:
            level = logging.DEBUG if self.last_error == self._told else logging.WARNING
        self._told = self.last_error
        log.log(level, "MQTT: %s", self.text)
