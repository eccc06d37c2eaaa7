# SPDX-License-Identifier: Apache-2.0
"""The spool of one board, from its opening to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.mqtt.event_key import start_of
from agent.mqtt.replay import reconcile
from agent.mqtt.sample_spool import SampleSpool
from agent.mqtt.spool_stream import SpoolStream
from agent.mqtt.spooler import EventSpooler
from agent.mqtt.wall_clock import unix_s
from agent.spool.record import RecordClass
from agent.spool.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

    from agent.mqtt.config import MqttConfig
    from agent.mqtt.replay import EventSource, OldSettings
    from agent.store.database import Database

FOLDER = "spool"


class Spooling:
    """Used on the loop's thread; the spool itself on the storage thread."""

    def __init__(self, state_dir: Path, database: Database, config: MqttConfig) -> None:
        """Opens the spool, before the loop runs."""
        self._database = database
        self._config = config
        make = database.thread.submit(Spool, state_dir / FOLDER, unix_s, config.spool_limits)
        self._spool = make.result()
        self._stream: SpoolStream | None = None
        self.samples: SampleSpool | None = None
        """Telemetry through the spool, if the site wants that; there once `open` has returned."""
        self.spooler = EventSpooler(self._spool, database.thread)

    @property
    def last_start(self) -> int:
        """The start of the agent that spooled last; 0 = none ever did."""
        return start_of(self._spool.last_key(RecordClass.EVENT))

    async def open(self, source: EventSource, settings: OldSettings) -> SpoolStream:
        """Before this run's first event. Raises StoreError."""
        await reconcile(self._spool, self._database, source, settings)
        self._stream = SpoolStream(self._spool, self._database.thread, self._config.replay_per_s)
        if self._config.spool_telemetry:
            self.samples = SampleSpool(
                self._spool, self._database.thread, unix_s, self.spooler.samples_stored, self._config.replay_per_s
            )
        return self._stream

    async def close(self) -> None:
        """After the last event, before `close_now`."""
        if self._stream is not None:
            await self._stream.close()
        if self.samples is not None:
            await self.samples.stream.close()
        await self.spooler.close()

    def close_now(self) -> None:
        """Sync and close the files, before the database is closed."""
        self._database.thread.submit(self._spool.close).result()
