# SPDX-License-Identifier: Apache-2.0
"""Announces the board to Home Assistant: on every connection, when Home Assistant starts, when a part changes."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

import msgspec

from agent.mqtt.homeassistant.discovery import discovery, platforms, with_removed
from agent.mqtt.message import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.mqtt.board import MqttBoard
    from agent.mqtt.homeassistant.naming import Naming
    from agent.mqtt.inventory import Inventory
    from agent.mqtt.message import Incoming
    from agent.mqtt.retained import Parts, RetainedTopics

log = logging.getLogger(__name__)

BIRTH = b"online"
LOOK_S = 1.0
BIRTH_DELAY_S = (1.0, 4.0)
"""Home Assistant has just started and hears from everybody: each board waits for a moment of its own."""


class Announcer:
    """Used on the loop's thread."""

    def __init__(
        self,
        naming: Naming | None,
        board: MqttBoard,
        retained: RetainedTopics,
        again: Callable[[], None],
    ) -> None:
        """`naming` None = discovery is off: what was announced before is taken back. `again`: introduce the board."""
        self.naming = naming
        self._board = board
        self._retained = retained
        self._again = again
        self._told: dict[str, bytes] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        self._inventory: Inventory | None = None

    @property
    def filters(self) -> list[str]:
        return [self.naming.birth] if self.naming else []

    def messages(self) -> list[Outgoing]:
        """Every device as it is now."""
        self._told = self._payloads()
        return [Outgoing(topic, payload, retain=True) for topic, payload in self._told.items()]

    def supply_changed(self, tell: Callable[[list[Outgoing]], None]) -> None:
        """Supplies are read many times a second: whether another one is in the slot is looked at once in a while."""
        if self.naming is not None and self._look is None:
            self._look = asyncio.get_running_loop().call_later(LOOK_S, self._looked, tell)

    def _looked(self, tell: Callable[[list[Outgoing]], None]) -> None:
        self._look = None
        if self._board.inventory() != self._inventory:
            tell(self.changes())

    def changes(self) -> list[Outgoing]:
        """The devices that are not as they were told last: another supply is in the slot."""
        before, self._told = self._told, self._payloads()
        return [
            Outgoing(topic, payload, retain=True)
            for topic, payload in self._told.items()
            if before.get(topic) != payload
        ]

    def topics(self) -> dict[str, Parts]:
        """What will be retained, with the components of each device."""
        naming = self.naming
        if naming is None:
            return {}
        return {topic: platforms(payload) for topic, payload in discovery(self._board.inventory(), naming).items()}

    def received(self, message: Incoming) -> None:
        """Something came on Home Assistant's own status topic."""
        if message.payload == BIRTH and not message.retained and self._timer is None:
            delay_s = random.uniform(*BIRTH_DELAY_S)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._introduce)

    def link_down(self) -> None:
        for timer in (self._timer, self._look):
            if timer is not None:
                timer.cancel()
        self._timer = self._look = None

    def _introduce(self) -> None:
        self._timer = None
        self._again()

    def _payloads(self) -> dict[str, bytes]:
        if self.naming is None:
            return {}
        try:
            self._inventory = self._board.inventory()
            return {
                topic: msgspec.json.encode(with_removed(payload, self._retained.known(topic)))
                for topic, payload in discovery(self._inventory, self.naming).items()
            }
        except Exception:  # a fault in a description must not cost the connection
            log.exception("MQTT: no discovery")
            return {}
