# SPDX-License-Identifier: Apache-2.0
"""Cold redundancy: keeps the configured ranks in force on the supplies, rotates them, tells the verdict."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.events.event import EventKind
from agent.psu.ranking import HIGHEST_ROLE, Ranking, rank
from agent.psu.roles import RoleError, RoleWriter
from agent.psu.slot import Health
from agent.psu.verdict import RedundancyState, Set, initial, judge
from ipmi.board import RankAlgorithm, RedundancySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.hardware.i2c_bus import I2cBus
    from agent.profile.schema import RedundancyTable
    from agent.psu.monitor import SupplyMonitor
    from agent.store.settings import Settings

log = logging.getLogger(__name__)

CHECK_S = 60.0
"""A supply that lost its role without telling (a power blink) gets it back within this."""


@dataclass(frozen=True, slots=True)
class RedundancyView:
    """What faces show of the set."""

    settings: RedundancySettings
    state: RedundancyState | None
    ranks: tuple[int, ...]
    in_progress: bool


class ColdRedundancy:
    """One set of supplies. Used on the loop's thread."""

    def __init__(
        self,
        table: RedundancyTable,
        monitor: SupplyMonitor,
        buses: Mapping[str, I2cBus],
        store: Settings,
        emit: Callable[..., object],
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called whenever the view changed. Settings stored at run time win over the profile's."""
        self._table = table
        self._monitor = monitor
        self._store = store
        self._emit = emit
        self._changed = changed
        self._slots = len(monitor.slots)
        self._settings = self._load()
        self._writer = RoleWriter(
            [(t.name, buses[t.bus], d) for t, d in zip(monitor.tables, monitor.drivers, strict=True)],
            table.settle_ms / 1000,
        )
        self._ranks: tuple[int, ...] = (0,) * self._slots
        self._step = int(store.get("redundancy.step", 0))
        self._elapsed_s = float(store.get("redundancy.elapsed_s", 0.0))
        self._counted_at = time.monotonic()
        self._state: RedundancyState | None = None
        self._judged: Set | None = None
        self._in_progress = False
        self._due = asyncio.Event()
        self._reason = "start"
        self._failed: str | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._slots:
            self._task = asyncio.create_task(self._run(), name="redundancy")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._count_elapsed()

    def view(self) -> RedundancyView:
        return RedundancyView(self._settings, self._state, self._ranks, self._in_progress or self._due.is_set())

    @property
    def slots(self) -> int:
        return self._slots

    # ------------------------------------------------------------------ settings

    def _load(self) -> RedundancySettings:
        default = RedundancySettings(
            enabled=self._table.enabled,
            rotation=self._table.rotation,
            algorithm=RankAlgorithm.BMC_SPECIFIC,
            ranks=tuple(range(1, self._slots + 1)),
            period_s=self._table.period_s,
        )
        stored: dict[str, Any] = self._store.get("redundancy.settings", {})
        if not stored:
            return default
        loaded = RedundancySettings(
            enabled=bool(stored["enabled"]),
            rotation=bool(stored["rotation"]),
            algorithm=RankAlgorithm(stored["algorithm"]),
            ranks=tuple(stored["ranks"]),
            period_s=int(stored["period_s"]),
        )
        if len(loaded.ranks) != self._slots:  # the profile has another number of slots now
            return replace(loaded, ranks=default.ranks, algorithm=RankAlgorithm.BMC_SPECIFIC)
        return loaded

    async def configure(self, settings: RedundancySettings, origin: str) -> None:
        """Store complete settings, already validated, and put them in force. Raises StoreError."""
        if settings == self._settings:
            return
        await self._store.put(
            {
                "redundancy.settings": {
                    "enabled": settings.enabled,
                    "rotation": settings.rotation,
                    "algorithm": int(settings.algorithm),
                    "ranks": list(settings.ranks),
                    "period_s": settings.period_s,
                }
            }
        )
        what = ", ".join(
            f"{key} {getattr(settings, key)}"
            for key in ("enabled", "rotation", "algorithm", "ranks", "period_s")
            if getattr(settings, key) != getattr(self._settings, key)
        )
        self._settings = settings
        self._emit(EventKind.REDUNDANCY_CONFIGURED, "redundancy", "redundancy", origin, what)
        self.reconsider("configured")
        self._changed()

    # ------------------------------------------------------------------ triggers

    def supplies_changed(self) -> None:
        """A slot's health changed: judge redundancy, then rank anew."""
        slots = self._monitor.slots
        if any(slot.health is Health.UNKNOWN for slot in slots):
            return
        healthy = [slot for slot in slots if slot.healthy]
        rated_w = sum(t.rated_w for t, slot in zip(self._monitor.tables, slots, strict=True) if slot.healthy)
        now = Set(self._slots, len(healthy), self._table.redundant_count, rated_w, self._load_w())
        if self._judged is None or self._state is None:
            self._state = initial(now)
        else:
            self._state, events = judge(self._state, self._judged, now)
            for kind in events:
                self._emit(kind, "redundancy")
        self._judged = now
        self.reconsider("supplies changed")
        self._changed()

    def host_powered_on(self) -> None:
        self.reconsider("host power-on")

    def reconsider(self, reason: str) -> None:
        """Compute the ranks again soon, and write what differs."""
        self._reason = reason
        self._due.set()

    def _load_w(self) -> float | None:
        known = [slot.readings.pout_w for slot in self._monitor.slots if slot.readings is not None]
        return sum(w for w in known if w is not None) if any(w is not None for w in known) else None

    # ------------------------------------------------------------------ work

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), CHECK_S)
            self._due.clear()
            if await self._count_elapsed():
                self._reason = "rotation"
            if self._judged is not None:  # else the first verdict on the supplies makes it due again
                await self._put_in_force()

    async def _count_elapsed(self) -> bool:
        """Count running time, not the wall clock; True when a rotation is due."""
        now = time.monotonic()
        self._elapsed_s += now - self._counted_at
        self._counted_at = now
        settings = self._settings
        due = (
            settings.enabled
            and settings.rotation
            and settings.algorithm is RankAlgorithm.BMC_SPECIFIC
            and self._elapsed_s >= settings.period_s
            and all(slot.healthy for slot in self._monitor.slots)
        )
        if due:
            self._elapsed_s = 0.0
            self._step += 1
        try:
            await self._store.put(
                {"redundancy.step": self._step, "redundancy.elapsed_s": int(self._elapsed_s) // 600 * 600}
            )
        except OSError as error:
            log.warning("rotation time not stored: %s", error)
        return due

    async def _put_in_force(self) -> None:
        settings, reason = self._settings, self._reason
        healthy = [slot.healthy for slot in self._monitor.slots]
        steerable = [await self._steerable(number) for number in range(self._slots)]
        ranking = rank(settings, healthy, steerable, self._step)
        self._in_progress = True
        try:
            await self._writer.give(ranking.roles)
        except RoleError as error:
            self._write_failed(str(error), steerable)
            return
        finally:
            self._in_progress = False
            self._changed()
        self._failed = None
        self._in_force(ranking, reason)

    def _in_force(self, ranking: Ranking, reason: str) -> None:
        if ranking.ranks != self._ranks:
            self._ranks = ranking.ranks
            self._emit(
                EventKind.REDUNDANCY_RANKED, "redundancy", "redundancy", " ".join(map(str, ranking.ranks)), reason
            )
            self._changed()

    def _write_failed(self, why: str, steerable: list[bool]) -> None:
        self._ranks = (0,) * self._slots
        if why != self._failed:  # tried again each minute, told once
            self._failed = why
            self._emit(EventKind.REDUNDANCY_WRITE_FAILED, "redundancy", "redundancy", why)

    async def _steerable(self, number: int) -> bool:
        """Whether the role register of this slot may be written now (safety rule 15)."""
        table, slot = self._monitor.tables[number], self._monitor.slots[number]
        if not table.cold_redundancy or slot.readings is None:
            return False
        told = slot.identity.mfr_model if slot.identity else ""
        if told:
            maker = slot.identity.mfr_id if slot.identity else ""
            if told != table.model_stated and (maker, told) != (table.mfr_id, table.mfr_model):
                return False
        elif not table.model_stated:
            return False
        try:
            return await self._writer.read(number) <= HIGHEST_ROLE
        except OSError:
            return False
