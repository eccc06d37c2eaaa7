# SPDX-License-Identifier: Apache-2.0
"""Settings of the site file that can be changed while the board runs; the change is stored and wins from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.power.request import Reply, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.board.options import Options
    from agent.store.settings import Settings

INTERVAL = "telemetry.interval_s"
HEARTBEAT = "telemetry.heartbeat_s"

Seconds = Annotated[float, msgspec.Meta(ge=0.5, le=3600)]


class _Telemetry(msgspec.Struct, forbid_unknown_fields=True):
    interval_s: Seconds | msgspec.UnsetType | None = msgspec.UNSET
    heartbeat_s: Seconds | msgspec.UnsetType | None = msgspec.UNSET


class ConfigChange(msgspec.Struct, forbid_unknown_fields=True):
    """Some of the settings; `null` gives one back to the files, what is not named stays."""

    telemetry: _Telemetry


class Tunables:
    """Used on the loop's thread."""

    keys = (INTERVAL, HEARTBEAT)

    def __init__(self, options: Options, store: Settings, changed: Callable[[], None]) -> None:
        self._options = options
        self._store = store
        self._changed = changed

    @property
    def interval_s(self) -> float:
        stored = self._store.get(INTERVAL)
        return self._options.telemetry_interval_s() if stored is None else float(stored)

    @property
    def heartbeat_s(self) -> float:
        """Never shorter than the interval."""
        stored = self._store.get(HEARTBEAT)
        given = self._options.telemetry_heartbeat_s() if stored is None else float(stored)
        return self.interval_s if given is None else max(given, self.interval_s)

    async def update(self, change: ConfigChange, origin: str) -> Reply:
        """All of it or nothing."""
        given = {INTERVAL: change.telemetry.interval_s, HEARTBEAT: change.telemetry.heartbeat_s}
        rows = {key: value for key, value in given.items() if value is not msgspec.UNSET}
        if not rows:
            return Reply(Verdict.BLOCKED, f"nothing to change: give some of {', '.join(self.keys)}")
        try:
            await self._store.put(rows)
        except OSError as error:
            return Reply(Verdict.FAILED, str(error))
        self._changed()
        return Reply(Verdict.DONE)
