# SPDX-License-Identifier: Apache-2.0
"""Drives the fans by what the zones ask, watches that they turn, and gives them back to the firmware at the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from agent.events.event import EventKind
from agent.hardware.hwmon import HwmonChip
from agent.hardware.hwmon_fan import PwmFan
from agent.store.database import StoreError
from agent.thermal.fan_plan import Demand, FanPlan
from agent.thermal.fan_turning import Turning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.hardware.hwmon import HwmonPort
    from agent.hardware.hwmon_fan import FanSetting
    from agent.hardware.port_thread import PortThread
    from agent.profile.thermal_tables import FanTable
    from agent.thermal.fan_memory import FanMemory
    from agent.thermal.zone import Zone

log = logging.getLogger(__name__)

T = TypeVar("T")

ROUND_S = 1.0


@dataclass(frozen=True, slots=True)
class FanView:
    """A fan as it is: what the chip says, not what it was told."""

    duty_percent: float | None = None
    """None = cannot be read."""
    rpm: int | None = None
    stalled: bool | None = None
    """None = not known, or it need not turn."""
    fail_safe: bool = False
    why: str = ""
    """What is wrong with driving or reading it."""


class _Fan:
    """One fan in the making of a round."""

    def __init__(self, table: FanTable) -> None:
        self.table = table
        self.driver = PwmFan(HwmonChip(table.chip, table.device), table.pwm, table.tach)
        self.plan = FanPlan(table)
        self.turning = Turning()
        self.view = FanView()
        self.told_stalled = False


class Fans:
    """Used on the loop's thread. Without `armed` the fans are read and left alone (safety rule 10)."""

    def __init__(
        self,
        tables: Sequence[FanTable],
        hwmon: Mapping[HwmonChip, PortThread[HwmonPort]],
        zones: Callable[[], Mapping[str, Zone]],
        memory: FanMemory,
        armed: bool,
        powered: Callable[[str], bool],
        emit: Callable[..., object],
        changed: Callable[[str], None],
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`powered` tells whether a host is on; `changed(zone)` is called when a fan of a zone may have changed."""
        self.tables = tuple(tables)
        self._fans = {table.name: _Fan(table) for table in tables}
        self._hwmon = hwmon
        self._zones = zones
        self._memory = memory
        self._armed = armed
        self._powered = powered
        self._emit = emit
        self._changed = changed
        self._clock_ns = clock_ns
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def view(self, name: str) -> FanView:
        return self._fans[name].view

    def recovered_ns(self, name: str) -> int | None:
        """When a stalled fan that turns again will count as running: a later round; None = it does not turn."""
        believed_ns = self._fans[name].turning.recovered_ns
        return None if believed_ns is None else max(believed_ns, self._clock_ns()) + round(ROUND_S * 1e9)

    def of_zone(self, zone: str) -> tuple[FanTable, ...]:
        return tuple(table for table in self.tables if any(curve.zone == zone for curve in table.curves))

    def look(self) -> None:
        """A zone has news: do not wait for the next round."""
        self._wake.set()

    def start(self) -> None:
        if self._fans:
            self._task = asyncio.create_task(self._run(), name="fans")

    async def close(self) -> None:
        """Give every fan back as it was found; one that does not take it is left at fail-safe."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for name, fan in self._fans.items():
            original = self._memory.found(name)
            if original is not None and self._armed:
                await self._hand_back(fan, original)

    async def _run(self) -> None:
        while True:
            try:
                await self.round()
            except Exception:  # whatever is wrong with us, the machine stays cool
                log.exception("fans go to fail-safe")
                for fan in self._fans.values():
                    await self._fail_safe(fan)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_S):
                    await self._wake.wait()
            self._wake.clear()

    async def round(self) -> None:
        """One look at every fan: decide, drive, read back."""
        demands = self._demands()
        await asyncio.gather(*(self._one(fan, demands) for fan in self._fans.values()))
        for zone in self._zones():
            self._changed(zone)

    def _demands(self) -> dict[str, Demand]:
        """A zone with a stalled fan wants all it can get from the others."""
        stalled = {curve.zone for fan in self._fans.values() if fan.turning.stalled for curve in fan.table.curves}
        return {
            name: Demand(
                celsius=zone.hottest[1] if zone.hottest else None,
                full=bool(zone.tripped),
                fail_safe=zone.fail_safe or name in stalled,
            )
            for name, zone in self._zones().items()
        }

    async def _one(self, fan: _Fan, demands: Mapping[str, Demand]) -> None:
        fan.plan = fan.plan.next(self._clock_ns(), demands)
        duty = fan.plan.duty
        before, why = fan.view, ""
        try:
            if self._armed and duty is not None:
                await self._remember(fan)
                await self._call(fan, lambda port: fan.driver.drive(port, duty))
            setting, rpm = await self._call(fan, lambda port: (fan.driver.setting(port), fan.driver.rpm(port)))
            fan.view = FanView(round(setting.duty_percent, 1), rpm)
        except OSError as error:
            why = _text(error)
            fan.view = FanView(why=why)
        self._watch(fan)
        fan.view = replace(fan.view, stalled=fan.turning.stalled, fail_safe=fan.plan.fail_safe, why=why)
        name = fan.table.name
        if why and not before.why:
            self._emit(EventKind.FAN_FAILED, f"fan/{name}", name, why)
        elif before.why and not why:
            self._emit(EventKind.FAN_WORKS, f"fan/{name}", name)

    def _watch(self, fan: _Fan) -> None:
        table, rpm = fan.table, fan.view.rpm
        if fan.view.duty_percent is None:
            return
        expected = fan.view.duty_percent > 0 and (not table.host or self._powered(table.host))
        fan.turning = fan.turning.take(self._clock_ns(), rpm, table.min_rpm, expected)
        if rpm is None or fan.turning.stalled in (None, fan.told_stalled):
            return
        fan.told_stalled = bool(fan.turning.stalled)
        kind = EventKind.FAN_STALLED if fan.told_stalled else EventKind.FAN_TURNS
        self._emit(kind, f"fan/{table.name}", table.name, str(rpm), str(table.min_rpm))

    async def _remember(self, fan: _Fan) -> None:
        """Before the first write, how the firmware had it; an earlier agent of this boot may have noted it."""
        name = fan.table.name
        if self._memory.found(name) is None:
            found = await self._call(fan, fan.driver.setting)
            try:
                await self._memory.keep({name: found})
            except StoreError as error:  # cooling matters more than what a successor would give back
                log.warning("how fan %s was found is not stored: %s", name, error)

    async def _hand_back(self, fan: _Fan, original: FanSetting) -> None:
        name = fan.table.name
        try:
            await self._call(fan, lambda port: fan.driver.hand_back(port, original))
        except OSError as error:
            log.error("fan %s is not given back to the firmware: %s", name, _text(error))
            await self._fail_safe(fan)
            return
        with contextlib.suppress(StoreError):  # the next agent gives it back once more
            await self._memory.forget(name)

    async def _fail_safe(self, fan: _Fan) -> None:
        if not self._armed:
            return
        try:
            await self._call(fan, lambda port: fan.driver.drive(port, fan.table.fail_safe_duty))
        except OSError as error:
            log.error("fan %s cannot be driven: %s", fan.table.name, _text(error))

    async def _call(self, fan: _Fan, work: Callable[[HwmonPort], T]) -> T:
        return await self._hwmon[fan.driver.chip].call(work)


def _text(error: OSError) -> str:
    return error.strerror or str(error)
