# SPDX-License-Identifier: Apache-2.0
"""All readings of one instant, to the broker now or never: they are worth nothing later."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from agent.mqtt import topics
from agent.mqtt.message import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.mqtt.board import MqttBoard
    from agent.mqtt.publisher import Publisher

log = logging.getLogger(__name__)


class Telemetry:
    """Used on the loop's thread. A sample is skipped while the last one still waits for the socket."""

    def __init__(
        self, base: str, board: MqttBoard, publisher: Publisher, counters: Callable[[], Mapping[str, int]]
    ) -> None:
        """`counters` tells how the MQTT face itself does."""
        self.skipped = 0
        self._base = base
        self._board = board
        self._publisher = publisher
        self._counters = counters
        self._seq = 0
        self._unsent = 0

    def link_up(self) -> None:
        """What waited for the last link is gone with it."""
        self._unsent = 0

    def sample(self) -> None:
        """Take the readings of this instant and publish them."""
        if not self._publisher.linked:
            return
        if self._unsent:
            self.skipped += 1
            return
        self._seq += 1
        try:
            readings = {"seq": self._seq, **self._board.telemetry(), "mqtt": self._counters()}
            payloads = {
                topics.TELEMETRY: msgspec.json.encode(readings),
                topics.TELEMETRY_MSGPACK: msgspec.msgpack.encode(readings),
            }
        except Exception:
            log.exception("MQTT: no telemetry")
            return
        for topic, payload in payloads.items():
            if self._publisher.send_now(Outgoing(f"{self._base}/{topic}", payload, qos=0), self._sent):
                self._unsent += 1

    def _sent(self, _code: int) -> None:
        self._unsent = max(0, self._unsent - 1)
