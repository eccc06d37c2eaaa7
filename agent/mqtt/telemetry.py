# SPDX-License-Identifier: Apache-2.0
"""All readings of one instant: to the broker now or never, or to the spool where the site wants no gaps."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent.mqtt import topics
from agent.mqtt.change_gate import ChangeGate
from agent.mqtt.message import Outgoing
from agent.mqtt.telemetry_form import TelemetryForm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.mqtt.board import MqttBoard
    from agent.mqtt.publisher import Publisher
    from agent.mqtt.sample_spool import SampleSpool

log = logging.getLogger(__name__)

ENCODERS: dict[str, tuple[str, Callable[[object], bytes]]] = {
    "json": (topics.TELEMETRY, msgspec.json.encode),
    "msgpack": (topics.TELEMETRY_MSGPACK, msgspec.msgpack.encode),
}
"""Topic and encoder of each format."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the readings are looked at, and how often they are published without a change."""

    interval_s: float
    heartbeat_s: float


class Telemetry:
    """Used on the loop's thread. A sample is skipped while the last one still waits for the socket or the broker."""

    def __init__(
        self,
        base: str,
        board: MqttBoard,
        publisher: Publisher,
        counters: Callable[[], Mapping[str, int]],
        pace: Pace,
        form: TelemetryForm | None = None,
        samples: SampleSpool | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`counters` tells how the MQTT face itself does; `samples` keeps telemetry that must have no gaps."""
        self.pace = pace
        self.skipped = 0
        self._form = TelemetryForm() if form is None else form
        self._gate = ChangeGate(self._form.rules)
        self._base = base
        self._board = board
        self._publisher = publisher
        self._counters = counters
        self._samples = samples
        self._monotonic_s = monotonic_s
        self._seq = 0
        self._unsent = 0

    def link_up(self) -> None:
        """What waited for the last link is gone with it."""
        self._unsent = 0
        self.introduce()

    def introduce(self) -> None:
        """Somebody new listens: the next sample is published even without a change."""
        self._gate.reset()

    def sample(self) -> None:
        """Take the readings of this instant, and publish them if they are worth it."""
        if self._samples is None and not self._may_send():
            return
        try:
            readings = self._board.telemetry()
            if not self._gate.passes(readings, self._monotonic_s(), self.pace.heartbeat_s):
                return
            self._seq += 1
            sample = {"seq": self._seq, **readings, "mqtt": self._counters()}
            encoded = [(topic, encode(sample)) for topic, encode in map(ENCODERS.__getitem__, self._form.formats)]
        except Exception:
            log.exception("MQTT: no telemetry")
            return
        for topic, payload in encoded:
            if self._samples is not None:
                self._samples.put(topic, payload)
            elif self._publisher.send_now(Outgoing(f"{self._base}/{topic}", payload, qos=self._form.qos), self._sent):
                self._unsent += 1

    def _may_send(self) -> bool:
        if not self._publisher.linked:
            return False
        waits = self._unsent > 0 or (self._form.qos > 0 and not self._publisher.has_room)
        self.skipped += waits
        return not waits

    def _sent(self, _code: int) -> None:
        self._unsent = max(0, self._unsent - 1)
