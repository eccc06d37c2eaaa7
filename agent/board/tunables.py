# SPDX-License-Identifier: Apache-2.0
"""Settings of profile and site file that can be changed while the board runs; what was changed is stored and wins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.board.host_timings import KEYS, TimingError
from agent.events.event import EventKind
from agent.power.request import Reply, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.board.host_timings import HostTimings
    from agent.board.options import Options
    from agent.store.settings import Settings

INTERVAL = "telemetry.interval_s"
HEARTBEAT = "telemetry.heartbeat_s"

Seconds = Annotated[float, msgspec.Meta(ge=0.5, le=3600)]


class _Telemetry(msgspec.Struct, forbid_unknown_fields=True):
    interval_s: Seconds | msgspec.UnsetType | None = msgspec.UNSET
    heartbeat_s: Seconds | msgspec.UnsetType | None = msgspec.UNSET


class _Host(msgspec.Struct, forbid_unknown_fields=True):
    timing: dict[str, int | None]


class ConfigChange(msgspec.Struct, forbid_unknown_fields=True):
    """Some of the settings; `null` gives one back to the files, what is not named stays."""

    telemetry: _Telemetry | None = None
    hosts: dict[str, _Host] | None = None


class Tunables:
    """Used on the loop's thread."""

    def __init__(
        self,
        options: Options,
        store: Settings,
        timings: HostTimings,
        pace_changed: Callable[[], None],
        timing_changed: Callable[[str], None],
        emit: Callable[..., object],
    ) -> None:
        """`timing_changed(host)` puts a host's times in force."""
        self._options = options
        self._store = store
        self._timings = timings
        self._pace_changed = pace_changed
        self._timing_changed = timing_changed
        self._emit = emit
        self._one_at_a_time = asyncio.Lock()

    @property
    def keys(self) -> tuple[str, ...]:
        hosts = [f"hosts.{host.name}.timing.{key}" for host in self._options.profile.hosts for key in KEYS]
        return (INTERVAL, HEARTBEAT, *hosts)

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
        async with self._one_at_a_time:
            try:
                rows = self._rows(change)
            except TimingError as error:
                return Reply(Verdict.BLOCKED, str(error))
            if not rows:
                return Reply(Verdict.BLOCKED, "nothing to change: give some of telemetry, hosts (config/get names all)")
            try:
                await self._store.put(rows)
            except OSError as error:
                return Reply(Verdict.FAILED, str(error))
        self._emit(EventKind.CONFIG_CHANGED, "board", ", ".join(sorted(rows)), origin)
        if change.telemetry:
            self._pace_changed()
        for host in change.hosts or {}:
            self._timing_changed(host)
        return Reply(Verdict.DONE)

    def _rows(self, change: ConfigChange) -> dict[str, object]:
        rows: dict[str, object] = {}
        if change.telemetry:
            given = {INTERVAL: change.telemetry.interval_s, HEARTBEAT: change.telemetry.heartbeat_s}
            rows |= {key: value for key, value in given.items() if value is not msgspec.UNSET}
        for host, settings in (change.hosts or {}).items():
            if unknown := sorted(set(settings.timing) - set(KEYS)):
                raise TimingError(
                    f"hosts.{host}.timing.{unknown[0]}: is no time of a host; these are: {', '.join(KEYS)}"
                )
            rows |= self._timings.row(host, settings.timing)
        return rows
