# SPDX-License-Identifier: Apache-2.0
"""Looks, decides, sets the cap and reads it back, again and again; gives everything back at the end.

Whatever fails here ends as a state and a line in the log: the power machine knows nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.energy.actuators.interface import Applied
from agent.energy.asking import asked
from agent.energy.cadence import IN_FORCE
from agent.energy.cap_limits import LimitsError, cap_limits
from agent.energy.decide import Decision, Smoothing, decide
from agent.energy.energy_events import EnergyEvents
from agent.energy.frequency.boost import BoostRefused
from agent.energy.meters.interface import Quantity
from agent.energy.meters.meter_set import Measured
from agent.energy.policies.situation import Freshness, Proposal, Situation
from agent.energy.slots import day_slot, local_day
from agent.energy.view import CapState, Counts, EnergyView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.energy.cap_writer import CapWriter
    from agent.energy.energy_counters import EnergyCounters
    from agent.energy.feed import SignalFeed
    from agent.energy.frequency.boost import Boost
    from agent.energy.meters.meter_set import MeterSet
    from agent.energy.policies.situation import CapRange, Policy
    from agent.energy.surroundings import Surroundings
    from agent.energy.tables import EnergyTable
    from agent.energy.tuning import Tuning
    from agent.hardware.port_thread import PortThread

log = logging.getLogger(__name__)

POWERCAP, RAPL = "powercap", "rapl"
"""Names of the actuator and of the meters that are counted as RAPL."""
DEFECT = "defect"
"""Binds after a look that failed."""
MOST_DEFECTS = 20
"""So many different ones are told with their traceback."""
FIRST_SIGNALS_S = 20.0
"""So long the first decision waits for signals that were asked for."""
WAIT_S = 0.1


class EnergyController:
    """Used on the loop's thread."""

    def __init__(
        self,
        table: EnergyTable,
        feeds: Mapping[str, SignalFeed],
        policies: Sequence[Policy],
        meters: PortThread[MeterSet],
        writer: CapWriter,
        actuator: str,
        counters: EnergyCounters,
        around: Surroundings,
        tuning: Tuning | None = None,
    ) -> None:
        """`tuning` changes the same processors as `writer`, on the same thread."""
        self.feeds = feeds
        self.counters = counters
        self.view = EnergyView(actuator=actuator)
        self._table = table
        self.policies = tuple(policies)
        self._meters = meters
        self._writer = writer
        self._around = around
        self._tuning = tuning
        inf = float("inf")
        self._smoothing = Smoothing(table.raise_w_per_s or inf, table.lower_w_per_s or inf, table.dead_band_w)
        self._decided_ns = 0
        self._read: set[str] = set()
        self._defects: set[str] = set()
        self._events = EnergyEvents(around.emit)
        self._writing: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(feed.run(), name=f"signal-{name}") for name, feed in self.feeds.items()]
        self._tasks.append(asyncio.create_task(self._run(), name="energy"))

    async def close(self) -> None:
        """Stop, give everything back, store what was counted."""
        tasks = (*self._tasks, *([self._writing] if self._writing else []))
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("energy: a task had ended: %r", ended)
        await self._writer.close()
        try:
            await self.counters.keep(self._around.now_s())
        finally:
            self._meters.close()

    async def settled(self) -> None:
        """When nothing is being written."""
        if self._writing:
            await asyncio.wait([self._writing])

    # ------------------------------------------------------------------ the loop

    async def _run(self) -> None:
        try:
            await self.recover()
            await self._hear_signals()
        except Exception:  # a fault of ours must not end the task
            log.exception("energy")
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  (a fault of ours must not end the task)
                self._log_once(error)
                self.fall_back(f"{type(error).__name__}: {error}")
            await self._pause()

    async def _pause(self) -> None:
        """Until the next look is due, or asked for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._table.look_s):
                await self._soon.wait()
        self._soon.clear()

    def look_soon(self) -> None:
        """What policies go by has changed: do not wait for the next look."""
        self._soon.set()

    @property
    def writing(self) -> bool:
        """A cap is on its way to the machine: what was read back before says nothing of it."""
        return self._writing is not None and not self._writing.done()

    def fall_back(self, why: str) -> None:
        """After a look that failed: what was decided before is not kept for ever, the safe cap holds."""
        cap_range, now_ns = self.view.cap_range, self._around.now_ns()
        if cap_range is None:
            self._show(replace(self.view, state=CapState.FAILING, why=why))
            return
        last_w = self.view.decision.cap_w if self.view.decision else cap_range.max_w
        lease = self._around.lease()
        leased_w = cap_range.max_w if lease is None else cap_range.clamp(lease.cap_w)
        safe = Proposal(DEFECT, min(cap_range.safe_w, leased_w), why, urgent=True)
        decision = Decision(min(last_w, cap_range.safe_w, leased_w), safe, (safe,))
        self._decided_ns = now_ns
        self._act(replace(self.view, decision=decision), decision, now_ns)
        self._show(replace(self.view, state=CapState.FAILING, why=why))

    async def recover(self) -> None:
        """Give back what an agent before this one left."""
        self._events.recovered(await self._writer.recover())

    async def _hear_signals(self) -> None:
        """Before the first decision: else each start of the agent would begin with the safe cap."""
        for _ in range(round(FIRST_SIGNALS_S / WAIT_S)):
            now_s = self._around.now_s()
            feeds = self.feeds.values()
            if all(feed.failed or feed.view(now_s).freshness is Freshness.FRESH for feed in feeds):
                return
            await asyncio.sleep(WAIT_S)

    async def look(self) -> None:
        """One round: measure, decide, and write if it is time to."""
        now_ns = self._around.now_ns()
        measured = await self._measure(now_ns)
        cap_range = self.view.cap_range or await self._find_limits()
        if isinstance(cap_range, str):
            self._show(replace(self.view, state=CapState.STARTING, why=cap_range, measured=measured))
            return
        self.view = replace(self.view, cap_range=cap_range)  # for a look that fails from here on
        situation = self._situate(cap_range, measured)
        last_w, elapsed_s = self._last(now_ns)
        decision = decide(asked(self.policies, situation), cap_range, self._smoothing, last_w, elapsed_s)
        self._decided_ns = now_ns
        known = replace(
            self.view,
            cap_range=cap_range,
            situation=situation,
            decision=decision,
            measured=measured,
            counts=_counted(self.view.counts, situation, self._lost(measured)),
        )
        self._act(known, decision, now_ns)
        await self._tune(now_ns)

    async def boost(self, seconds: float, extra_w: float) -> Boost | BoostRefused:
        """Let the processors run faster for a while, out of power that is to spare."""
        tuning, why_not = self._tuning, self._around.may_act()
        if tuning is None:
            return BoostRefused("nothing is tuned: it needs the actuator cpufreq and energy.tuning = true")
        if why_not or self.view.state is CapState.YIELDING:
            return BoostRefused(why_not or self.view.why)
        now_ns, spare_w = self._around.now_ns(), self._spare_w()
        try:
            return await self._writer.beside(lambda: tuning.boost(seconds, extra_w, spare_w, now_ns))
        except (OSError, TimeoutError) as error:
            return BoostRefused(str(error))

    async def _tune(self, now_ns: int) -> None:
        tuning, node_w, spare_w = self._tuning, self.view.measured.watts(Quantity.NODE_W), self._spare_w()
        if tuning is None or self.writing or self._around.may_act() or self.view.state is CapState.YIELDING:
            return
        try:
            tuned = await self._writer.beside(lambda: tuning.step(now_ns, node_w, spare_w))
        except (OSError, TimeoutError) as error:
            log.warning("energy: nothing is tuned: %s", error)
            return
        self._show(replace(self.view, tuned=tuned))

    def _spare_w(self) -> float | None:
        """What the cap and the supplies leave now; None = not known."""
        node_w, decision = self.view.measured.watts(Quantity.NODE_W), self.view.decision
        if node_w is None or decision is None:
            return None
        supplies_w = self._around.spare_w()
        below_cap_w = decision.cap_w - node_w
        return below_cap_w if supplies_w is None else min(below_cap_w, supplies_w)

    async def _measure(self, now_ns: int) -> Measured:
        try:
            measured = await self._meters.call(lambda meters: meters.read(now_ns))
        except (OSError, TimeoutError) as error:
            log.warning("energy: no meter answers: %s", error)
            return Measured()
        await self.counters.add(measured.readings, self._around.now_s(), now_ns)
        return measured

    async def _find_limits(self) -> CapRange | str:
        """Or why there are none. Asked until the actuator's device is there."""
        try:
            can_w = await self._writer.range_w()
            return cap_limits(self._table, self.view.actuator, can_w)
        except (OSError, TimeoutError, LimitsError) as error:
            return str(error)

    def _situate(self, cap_range: CapRange, measured: Measured) -> Situation:
        now_s, around, battery = self._around.now_s(), self._around, self._around.battery()
        node_w = measured.watts(Quantity.NODE_W)
        day = day_slot(local_day(now_s, self._table.zone), self._table.zone)
        signals = {name: feed.view(now_s) for name, feed in self.feeds.items()}
        self._events.signals(signals, self.feeds)
        return Situation(
            now_s,
            day.end_utc_s,
            cap_range,
            signals,
            node_w=node_w,
            headroom_w=around.spare_w(),
            heat=around.heat(measured),
            optimal_w=None if self.view.tuned is None else self.view.tuned.optimal_w,
            carbon_today_g=around.carbon_today_g(),
            battery_share=battery.share_on_battery,
            battery_surplus=battery.surplus,
            lease=around.lease(),
        )

    def _lost(self, measured: Measured) -> int:
        """Counters of processors that could be read before, and cannot now."""
        self._read |= {reading.source for reading in measured.readings.values()}
        return sum(one.source in self._read and one.source.startswith(RAPL) for one in measured.missing)

    def _last(self, now_ns: int) -> tuple[float | None, float]:
        """What is in force, and since when the cap could have moved."""
        decision = self.view.decision
        return (None, 0.0) if decision is None else (decision.cap_w, (now_ns - self._decided_ns) / 1e9)

    # ------------------------------------------------------------------ writing

    def _act(self, known: EnergyView, decision: Decision, now_ns: int) -> None:
        why_not = self._around.may_act()
        if why_not:
            self._show(replace(known, state=CapState.OBSERVING, why=why_not))
            return
        self._show(replace(known, state=self._state(known), why=self._why(known)))
        if not self.writing and self._writer.is_due(decision.cap_w, now_ns):
            self._writing = asyncio.create_task(self._write(decision, now_ns), name="energy-write")

    async def _write(self, decision: Decision, now_ns: int) -> None:
        new = self._writer.is_new(decision.cap_w)
        answer = await self._writer.write(decision.cap_w, now_ns)
        good = isinstance(answer, Applied) and answer.answer in IN_FORCE
        failed = isinstance(answer, Applied) and not good
        counts = self.view.counts
        counts = replace(
            counts,
            adjustments=counts.adjustments + (good and new),
            failed_writes=counts.failed_writes + failed,
            rapl_errors=counts.rapl_errors + (failed and self.view.actuator == POWERCAP),
        )
        if isinstance(answer, str):  # somebody else sets the same
            view = replace(self.view, state=CapState.YIELDING, why=answer, applied=None, counts=counts)
        else:
            view = replace(self.view, applied=answer, counts=counts)
            view = replace(view, state=self._state(view), why=self._why(view))
        self._show(view)
        if view.cap_range is not None:
            self._events.written(decision, view.cap_range, "" if good else view.why, now_ns)
        if self.view.decision is not None and self.view.decision.cap_w != decision.cap_w:
            self.look_soon()  # another one was decided meanwhile

    @staticmethod
    def _state(view: EnergyView) -> CapState:
        if view.applied is None:
            return CapState.YIELDING if view.state is CapState.YIELDING else CapState.STARTING
        return CapState.CAPPING if view.applied.answer in IN_FORCE else CapState.FAILING

    @staticmethod
    def _why(view: EnergyView) -> str:
        return view.why if view.applied is None else view.applied.reason

    # ------------------------------------------------------------------ telling

    def _show(self, view: EnergyView) -> None:
        self.view = view
        try:
            self._around.changed()
        except Exception as error:  # noqa: BLE001  (who is told of a cap must not keep it from being set)
            self._log_once(error)

    def _log_once(self, error: Exception) -> None:
        """Looks come every few seconds: the same defect is told once."""
        if repr(error) not in self._defects and len(self._defects) < MOST_DEFECTS:
            self._defects.add(repr(error))
            log.exception("energy")


def _counted(counts: Counts, situation: Situation, lost: int) -> Counts:
    known = all(view.freshness is not Freshness.EXPIRED for view in situation.signals.values())
    return replace(
        counts,
        looks=counts.looks + 1,
        looks_with_data=counts.looks_with_data + known,
        rapl_errors=counts.rapl_errors + lost,
    )
