# SPDX-License-Identifier: Apache-2.0
"""Cold redundancy: keeps the configured ranks in force on the supplies, evens out their wear, tells the verdict."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.psu import redundancy_state as state
from agent.psu.load import ForcedSupplies, forced_active, sufficient
from agent.psu.permission import may_write_role
from agent.psu.population import changed as population_changed
from agent.psu.population import population
from agent.psu.power_limit import PowerLimit
from agent.psu.ranking import ALWAYS_ACTIVE, Ranking, rank, with_forced
from agent.psu.roles import RoleError, RoleWriter
from agent.psu.sharing import SharingWatch, wrong
from agent.psu.slot import Health, Presence
from agent.psu.verdict import RedundancyState, Set, initial, judge
from agent.psu.wear import Wear
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
STORE_EVERY_S = 600.0
"""Running hours are stored this often: a power cut costs no more, and flash memory lasts."""


@dataclass(frozen=True, slots=True)
class RedundancyView:
    """What faces show of the set. `wiring`: why all supplies stay active, "" if they do not have to."""

    settings: RedundancySettings
    expected: int
    state: RedundancyState | None
    ranks: tuple[int, ...]
    in_progress: bool
    wiring: str
    power_limit_w: float | None
    load_w: float | None
    forced: int


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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` is called whenever the view changed. Settings stored at run time win over the profile's."""
        self._table = table
        self._monitor = monitor
        self._store = store
        self._emit = emit
        self._changed = changed
        self._clock = clock
        self._slots = len(monitor.slots)
        self._settings = state.load_settings(store, table, self._slots)
        self._expected = state.load_expected(store, table, self._slots)
        self._population = state.load_population(store, self._slots)
        self._order = state.load_order(store, self._slots)
        self._elapsed_s = float(store.get(state.ELAPSED, 0.0))
        self.wear = Wear(store.get(state.WEAR, {}))
        self.power_limit = PowerLimit(monitor, buses, store, emit)
        self._writer = RoleWriter(
            [(t.name, buses[t.bus], d) for t, d in zip(monitor.tables, monitor.drivers, strict=True)],
            table.settle_ms / 1000,
        )
        self._ranking = Ranking((0,) * self._slots, (None,) * self._slots)
        self._forced = ForcedSupplies()
        self._sharing = SharingWatch()
        self._wiring = ""
        self._counted_at = self._stored_at = clock()
        self._state: RedundancyState | None = None
        self._judged: Set | None = None
        self._ranked_for: tuple[tuple[Health, bool], ...] = ()
        self._load_w: float | None = None
        self._in_progress = False
        self._due = asyncio.Event()
        self._reason = "start"
        self._failed: str | None = None
        self._one_at_a_time = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._slots:
            self._task = asyncio.create_task(self._run(), name="redundancy")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            await self._keep_hours()

    def view(self) -> RedundancyView:
        return RedundancyView(
            self._settings,
            self._expected,
            self._state,
            self._ranking.ranks,
            self._in_progress or self._due.is_set(),
            self._wiring,
            self.power_limit.watts,
            self._load_w,
            self._forced.count,
        )

    @property
    def slots(self) -> int:
        return self._slots

    # ------------------------------------------------------------------ settings

    async def configure(
        self,
        settings: RedundancySettings,
        origin: str,
        expected: int | None = None,
        also: Mapping[str, object] | None = None,
    ) -> None:
        """Store a complete change, already validated, and put it in force. One write, none if nothing changes.

        `also` are settings of others that are stored in the same transaction.

        `settings` was made from `view().settings` just now. Raises StoreError.
        """
        base = self._settings
        async with self._one_at_a_time:
            before, expected_before = self._settings, self._expected
            after = state.merged(before, base, settings)
            expected = expected_before if expected is None else expected
            rows: dict[str, object] = dict(also or {})
            if (after, expected) == (before, expected_before):
                await self._store.put(rows)
                return
            rows |= {state.SETTINGS: state.settings_row(after)} if after != before else {}
            if expected != expected_before:
                rows[state.EXPECTED] = expected
            starts = rotates(after) and not rotates(before)
            if starts:
                rows[state.ELAPSED] = 0
            await self._store.put(rows)
            self._elapsed_s = 0.0 if starts else self._elapsed_s
            self._settings, self._expected = after, expected
        what = [told] if (told := state.told(before, after)) else []
        what += [f"expected supplies {expected}"] if expected != expected_before else []
        self._emit(EventKind.REDUNDANCY_CONFIGURED, "redundancy", "redundancy", origin, ", ".join(what))
        self._wiring = ""
        self._judge()
        self.reconsider("configured")
        self._changed()

    # ------------------------------------------------------------------ triggers

    def supplies_changed(self) -> None:
        """There are new readings, and perhaps another health of a slot."""
        slots = self._monitor.slots
        now_s = self._clock()
        elapsed_s, self._counted_at = now_s - self._counted_at, now_s
        self.wear.add(slots, elapsed_s)
        self._elapsed_s += elapsed_s
        if any(slot.health in (Health.UNKNOWN, Health.UNAVAILABLE) for slot in slots):
            return
        before = (self._state, self._load_w is None)
        self._judge()
        ranked_for = tuple((slot.health, slot.healthy) for slot in slots)
        if ranked_for != self._ranked_for:
            self.reconsider(self._why(ranked_for))
            self._ranked_for = ranked_for
        self._watch_load(now_s)
        self._watch_sharing(now_s)
        self.power_limit.watch(now_s, self._load_w)
        if self._rotation_due() or now_s - self._stored_at >= STORE_EVERY_S or self._population_now_differs():
            self._due.set()
        if before != (self._state, self._load_w is None):
            self._changed()

    def host_powered_on(self) -> None:
        self.reconsider("host power-on")

    def reconsider(self, reason: str) -> None:
        """Compute the ranks again soon, and write what differs."""
        self._reason = reason
        self._due.set()

    def _why(self, now: tuple[tuple[Health, bool], ...]) -> str:
        if not self._ranked_for:
            return "start"
        return ", ".join(
            f"supply {slot.name} {slot.health.value}"
            for slot, before, after in zip(self._monitor.slots, self._ranked_for, now, strict=True)
            if before != after
        )

    def _judge(self) -> None:
        slots = self._monitor.slots
        if any(slot.health in (Health.UNKNOWN, Health.UNAVAILABLE) for slot in slots):
            return
        healthy = [index for index, slot in enumerate(slots) if slot.healthy]
        load_w = self._measured_w(healthy)
        fewer = self._judged is not None and len(healthy) < self._judged.healthy
        if fewer and load_w is not None and self._load_w is not None:
            load_w = max(load_w, self._load_w)  # what the lost supply carried falls to the others
        self._load_w = load_w
        rated_w = sum(self._monitor.rated_w(index) for index in healthy)
        was = self._judged.sufficient if self._judged else True
        enough = sufficient(load_w, rated_w, was)
        if load_w is None and self._judged is not None and self._judged.healthy == len(healthy):
            enough = was
        now = Set(self._expected, len(healthy), self._table.redundant_count, enough)
        if self._judged is None or self._state is None:
            self._state = initial(now)
        else:
            self._state, events = judge(self._state, self._judged, now)
            for kind in events:
                self._emit(kind, "redundancy")
        self._judged = now

    def _measured_w(self, healthy: list[int]) -> float | None:
        """What the set delivers; None when a working supply does not tell it."""
        total_w = 0.0
        for index in healthy:
            readings = self._monitor.slots[index].readings
            if readings is None or readings.pout_w is None:
                return None
            total_w += readings.pout_w
        return total_w

    # ------------------------------------------------------------------ load, sharing, rotation

    def _watch_load(self, now_s: float) -> None:
        if self._forced.update(now_s, self._wanted_forced()):
            self.reconsider(f"load {self._load_w:.0f} W" if self._load_w is not None else "load unknown")

    def _wanted_forced(self) -> int:
        healthy = [index for index, slot in enumerate(self._monitor.slots) if slot.healthy]
        return forced_active(
            [self._ranking.roles[index] for index in healthy],
            [self._monitor.rated_w(index) for index in healthy],
            self._load_w,
            self._forced.count,
        )

    def _watch_sharing(self, now_s: float) -> None:
        """Safety rule 16: power must follow the roles."""
        if self._wiring or not self._settings.enabled or self._in_progress or self._due.is_set():
            self._sharing.restart()
            return
        ratings = [self._monitor.rated_w(index) for index in range(self._slots)]
        what = wrong(self._monitor.slots, with_forced(self._ranking.roles, self._forced.count), ratings)
        if self._sharing.violated(now_s, what):
            self._wiring = what
            self._emit(EventKind.REDUNDANCY_WIRING, "redundancy", "redundancy", what)
            self.reconsider("wiring")

    def _rotation_due(self) -> bool:
        """Due, and every supply that is there works: otherwise it waits."""
        slots = self._monitor.slots
        works = all(slot.healthy or slot.presence is Presence.ABSENT for slot in slots)
        return rotates(self._settings) and self._elapsed_s >= self._settings.period_s and works

    # ------------------------------------------------------------------ work

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):  # wait_for may swallow a cancellation, and close() would hang
                    await self._due.wait()
            if any(slot.health in (Health.UNKNOWN, Health.UNAVAILABLE) for slot in self._monitor.slots):
                self._due.clear()  # what comes after that is a change, and sets it again
                continue
            self._due.clear()
            self._in_progress = True  # also while the disk takes its time
            try:
                await self._follow_population()
                if self._rotation_due():
                    await self._rotate()
                elif self._clock() - self._stored_at >= STORE_EVERY_S:
                    await self._keep_hours()
            except OSError as error:
                log.warning("cold redundancy cannot be stored: %s", error)
                self._stored_at = self._clock()
            await self._put_in_force()

    def _population_now_differs(self) -> bool:
        return population(self._population, self._monitor.slots) not in (None, self._population)

    async def _follow_population(self) -> None:
        """Another supply ends the user's order, for good: it was made for the supplies that were there."""
        now = population(self._population, self._monitor.slots)
        if now is None or now == self._population:
            return
        before, self._population = self._population, now
        rows: dict[str, object] = {state.POPULATION: list(now)}
        async with self._one_at_a_time:
            settings = self._settings
            drop = (
                before is not None
                and settings.algorithm is RankAlgorithm.USER_SPECIFIC
                and population_changed(before, now)
            )
            if drop:
                self._settings = replace(settings, algorithm=RankAlgorithm.BMC_SPECIFIC)
                rows[state.SETTINGS] = state.settings_row(self._settings)
            if before is not None and population_changed(before, now):
                self._wiring = ""
            await self._store.put(rows)
        if drop:
            ranks = " ".join(map(str, settings.ranks))
            self._emit(EventKind.REDUNDANCY_ORDER_DROPPED, "redundancy", "redundancy", ranks, self._reason)

    async def _rotate(self) -> None:
        self._elapsed_s = 0.0
        self._order = self.wear.order(self._monitor.slots)
        self._reason = "rotation"
        await self._keep_hours()

    async def _keep_hours(self) -> None:
        """One write: the order, the time since it was made, the running time of every supply."""
        self._stored_at = self._clock()
        rows = {state.ORDER: list(self._order), state.ELAPSED: int(self._elapsed_s), state.WEAR: self.wear.stored()}
        try:
            await self._store.put(rows)
        except OSError as error:
            log.warning("running hours not stored: %s", error)

    async def _put_in_force(self) -> None:
        reason = self._reason
        healthy = [slot.healthy for slot in self._monitor.slots]
        try:
            steerable = [await self._steerable(number) for number in range(self._slots)]
            ranking = rank(self._settings, healthy, steerable, self._order)
            if self._wiring:
                roles = tuple(None if role is None else ALWAYS_ACTIVE for role in ranking.roles)
                ranking = Ranking((0,) * self._slots, roles)
            self._ranking = replace(self._ranking, roles=ranking.roles)
            self._forced.update(self._clock(), self._wanted_forced())
            if not await self._writer.give(with_forced(ranking.roles, self._forced.count), self._due.is_set):
                return  # something happened meanwhile: all are active, and the next round gives other roles
        except RoleError as error:
            self._write_failed(str(error))
            return
        finally:
            self._in_progress = False
            self._sharing.restart()
            self._changed()
        self._failed = None
        if ranking.ranks != self._ranking.ranks:
            self._ranking = ranking
            text = " ".join(map(str, ranking.ranks))
            self._emit(EventKind.REDUNDANCY_RANKED, "redundancy", "redundancy", text, reason)
            self._changed()

    def _write_failed(self, why: str) -> None:
        self._ranking = Ranking((0,) * self._slots, (None,) * self._slots)
        if why != self._failed:  # tried again each minute, told once
            self._failed = why
            self._emit(EventKind.REDUNDANCY_WRITE_FAILED, "redundancy", "redundancy", why)

    async def _steerable(self, number: int) -> bool:
        """Whether the role register of this slot may be written now (safety rule 15)."""
        table, slot, driver = self._monitor.tables[number], self._monitor.slots[number], self._monitor.drivers[number]
        if not table.cold_redundancy or slot.presence is not Presence.PRESENT or slot.identity is None:
            return False
        try:
            return may_write_role(table, slot.identity, driver.quirks, await self._writer.read(number))
        except OSError:
            return False


def rotates(settings: RedundancySettings) -> bool:
    """A user's order wins over rotation."""
    return settings.enabled and settings.rotation and settings.algorithm is RankAlgorithm.BMC_SPECIFIC
