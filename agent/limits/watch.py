# SPDX-License-Identifier: Apache-2.0
"""Holds every sensor's readings against its limits, and keeps what users change about them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.limits.limit import CLEARED, CROSSED, Crossing, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agent.profile.schema import SensorTable
    from agent.store.settings import Settings

log = logging.getLogger(__name__)

CHECK_S = 1.0


@dataclass(frozen=True, slots=True)
class Switches:
    """What is told of a sensor: nothing (`events` off), or the sides in the two sets. `scanning` off: not watched."""

    events: bool = True
    scanning: bool = True
    crossed: frozenset[Side] = frozenset(Side)
    cleared: frozenset[Side] = frozenset(Side)


@dataclass(slots=True)
class _Watched:
    source: str
    read: Callable[[], float | None]
    limits: dict[Side, float]
    hysteresis: tuple[float, float]
    """Rising (for upper limits) and falling, in the sensor's unit."""
    switches: Switches | None = None
    crossings: dict[Side, Crossing] = field(default_factory=lambda: dict.fromkeys(Side, Crossing()))


class LimitWatch:
    """Used on the loop's thread. Settings stored at run time win over the profile's."""

    def __init__(
        self,
        tables: Iterable[SensorTable],
        read: Callable[[str], float | None],
        store: Settings,
        emit: Callable[..., object],
        check_s: float = CHECK_S,
    ) -> None:
        """`read(name)` gives the present value of a sensor, or None."""
        self._store = store
        self._emit = emit
        self._check_s = check_s
        self._task: asyncio.Task[None] | None = None
        self._sensors: dict[str, _Watched] = {}
        for table in tables:
            limits = {side: value for side in Side if (value := getattr(table, side.value)) is not None}
            watched = _Watched(
                f"sensor/{table.name}",
                lambda name=table.name: read(name),  # type: ignore[misc]
                limits,
                (table.hysteresis, table.hysteresis),
            )
            self._restore(table.name, watched)
            self._sensors[table.name] = watched

    # ------------------------------------------------------------------ what is set

    def limits(self, name: str) -> Mapping[Side, float]:
        return self._sensors[name].limits

    def hysteresis(self, name: str) -> tuple[float, float]:
        """For upper and for lower limits."""
        return self._sensors[name].hysteresis

    def switches(self, name: str) -> Switches | None:
        """What a user has set; None = everything is told."""
        return self._sensors[name].switches

    async def set_limits(self, name: str, limits: Mapping[Side, float]) -> None:
        """Raises StoreError."""
        await self._store.put({_key(name, "limits"): {side.value: value for side, value in limits.items()}})
        self._sensors[name].limits = dict(limits)

    async def set_hysteresis(self, name: str, rising: float, falling: float) -> None:
        """Raises StoreError."""
        await self._store.put({_key(name, "hysteresis"): [rising, falling]})
        self._sensors[name].hysteresis = (rising, falling)

    async def set_switches(self, name: str, switches: Switches) -> None:
        """Raises StoreError."""
        stored = {
            "events": switches.events,
            "scanning": switches.scanning,
            "crossed": sorted(side.value for side in switches.crossed),
            "cleared": sorted(side.value for side in switches.cleared),
        }
        await self._store.put({_key(name, "switches"): stored})
        self._sensors[name].switches = switches

    def rearm(self, name: str) -> None:
        """Forget what was told: a crossing that lasts is told again."""
        self._sensors[name].crossings = dict.fromkeys(Side, Crossing())

    def crossings(self, name: str) -> Mapping[Side, Crossing]:
        return self._sensors[name].crossings

    def _restore(self, name: str, watched: _Watched) -> None:
        stored: dict[str, float] | None = self._store.get(_key(name, "limits"))
        if stored is not None:
            watched.limits = {Side(key): value for key, value in stored.items()}
        hysteresis = self._store.get(_key(name, "hysteresis"))
        if hysteresis is not None:
            watched.hysteresis = (hysteresis[0], hysteresis[1])
        switches: dict[str, Any] | None = self._store.get(_key(name, "switches"))
        if switches is not None:
            watched.switches = Switches(
                switches["events"],
                switches["scanning"],
                frozenset(map(Side, switches["crossed"])),
                frozenset(map(Side, switches["cleared"])),
            )

    # ------------------------------------------------------------------ watching

    def start(self) -> None:
        if self._sensors:
            self._task = asyncio.create_task(self._run(), name="limits")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(self._check_s)

    def check(self) -> None:
        """One look at every sensor. One without a reading keeps its state: nothing is made up."""
        for name, watched in self._sensors.items():
            switches = watched.switches or Switches()
            value = watched.read() if switches.scanning else None
            if value is not None:
                self._hold(name, watched, switches, value)

    def _hold(self, name: str, watched: _Watched, switches: Switches, value: float) -> None:
        for side, limit in watched.limits.items():
            before = watched.crossings[side]
            after = before.read(side, value, limit, watched.hysteresis[0 if side.upper else 1])
            watched.crossings[side] = after
            if after.asserted is before.asserted or not switches.events:
                continue
            told, kinds = (switches.crossed, CROSSED) if after.asserted else (switches.cleared, CLEARED)
            if side in told:
                self._emit(kinds[side], watched.source, name, f"{value:g}", f"{limit:g}")


def _key(name: str, what: str) -> str:
    return f"sensor.{name}.{what}"
