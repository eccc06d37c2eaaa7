# SPDX-License-Identifier: Apache-2.0
"""Keeps a link to the broker: dials, waits, dials again, for as long as the agent runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING, Protocol

from agent.mqtt.dial import DialError, Dialler
from agent.mqtt.ending import Ending, EndingKind
from agent.mqtt.link import Link
from agent.mqtt.retry import Backoff, Version, VersionChoice

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
        self._versions = VersionChoice(config.first_version)
        self._backoff = Backoff(chance)
        self._dialler = Dialler(config)
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
            version = self._versions.current
            self.text = f"connecting to {self._config.url} with MQTT {version.value}"
            try:
                ending = await self._attempt(version)
            except Exception as error:  # a fault of ours must not end MQTT for good
                log.exception("MQTT: the connection failed")
                ending = Ending(EndingKind.UNREACHABLE, f"{type(error).__name__}: {error}")
            if self._closing:
                return
            self._versions.ended(ending)
            delay_s = self._backoff.after(ending, version)
            self._report(ending, delay_s)
            await asyncio.sleep(delay_s)

    async def _attempt(self, version: Version) -> Ending:
        """One connection, from dialling to its end."""
        reach_s = REACH_S * self._config.connect_timeout_s
        try:
            client = await asyncio.wait_for(self._dialler.dial(version), reach_s)
        except DialError as error:
            return Ending(EndingKind.UNREACHABLE, str(error))
        except TimeoutError:
            return Ending(EndingKind.UNREACHABLE, f"{self._config.url} was not reached within {reach_s:g} s")
        link = Link(client, version, self._config.base, self._user, self._config.inflight)
        try:
            refused = await link.accepted(self._config.answer_timeout_s)
            if refused is not None:
                return refused
            self._versions.accepted()
            self.link = link
            self.established += 1
            self.text = f"connected to {self._config.url} with MQTT {version.value}"
            self._told = ""
            log.info("MQTT: %s", self.text)
            self._user.link_up(link)
            return await asyncio.shield(link.ended)
        finally:
            if self.link is not None:
                self.link = None
                link.abort("the agent stops")
                self._user.link_down(link.ended.result())
            else:
                link.abort("the agent stops")

    def _report(self, ending: Ending, delay_s: float) -> None:
        """Each cause is told once, not at every attempt."""
        self.last_error = ending.text
        self.text = f"{self.last_error}; next attempt in {delay_s:.0f} s"
        if ending.kind is EndingKind.VERSION_REFUSED:
            level = logging.INFO  # the next attempt speaks the older version
        else:
            level = logging.DEBUG if self.last_error == self._told else logging.WARNING
        self._told = self.last_error
        log.log(level, "MQTT: %s", self.text)
