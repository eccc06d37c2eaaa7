# SPDX-License-Identifier: Apache-2.0
"""The conformance test of sources of signals: run it in your own tests.

    findings = await check_source(make, day)
    assert not [finding for finding in findings if not finding.good]

`make` makes a new source each time; `day` is a local day that it has values for. Give it a server or a file of yours to
ask, and not the real one.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.feed import check_source as check_facts
from agent.energy.signals.interface import SignalDay, SignalError
from agent.energy.signals.points import STEPS_S, check
from agent.energy.slots import day_slot
from agent.loop_watch import LOOK_S, LoopWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.energy.signals.interface import SignalSource

LOOP_STALL_S = 0.25
"""A source that keeps the event loop longer than this holds up everything else."""
CANCEL_S = 2.0
FAR = datetime.timedelta(days=3650)
"""So far ahead nobody publishes anything."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, whether it is kept, and what was seen."""

    name: str
    good: bool
    text: str = ""


async def check_source(
    make: Callable[[], SignalSource], day: datetime.date, *, timeout_s: float = 30.0
) -> list[Finding]:
    """Every check in turn."""
    async with LoopWatch() as watch:
        before = asyncio.all_tasks()
        findings = [finding async for finding in _checks(make, day, timeout_s)]
        await asyncio.sleep(2 * LOOK_S)  # what has been cancelled ends
        left = {task.get_name() for task in asyncio.all_tasks() - before if not task.done()}
    findings.append(Finding("leaves no tasks behind", not left, ", ".join(sorted(left))))
    text = f"longest stall {watch.worst_s * 1000:.0f} ms"
    findings.append(Finding("never blocks the loop", watch.worst_s < LOOP_STALL_S, text))
    return findings


async def _checks(make: Callable[[], SignalSource], day: datetime.date, timeout_s: float) -> AsyncIterator[Finding]:
    source = make()
    stated = _facts(source)
    yield stated
    if not stated.good:
        return
    first = await _fetched(source, day, timeout_s)
    yield Finding("gives the day", isinstance(first, SignalDay), str(first) if isinstance(first, Exception) else "")
    if isinstance(first, SignalDay):
        yield _answer(source, day, first)
        again = await _fetched(source, day, timeout_s)
        same = isinstance(again, SignalDay) and again.points == first.points
        yield Finding("gives the same day again", same, str(again) if isinstance(again, Exception) else "")
    yield await _another_day(source, day + datetime.timedelta(days=1), "tomorrow", timeout_s)
    yield await _another_day(source, day + FAR, "a day that nobody knows", timeout_s)
    yield await _cancelled(make(), day)


def _facts(source: SignalSource) -> Finding:
    name = "states what it is"
    try:
        check_facts(source)
        if source.step_s not in STEPS_S or not isinstance(source.ahead, bool):
            return Finding(name, False, f"step_s is to be one of {STEPS_S}, ahead a bool")
    except (SignalError, AttributeError) as error:
        return Finding(name, False, str(error))
    return Finding(name, True, f"{source.unit.value}, {source.origin}")


async def _fetched(source: SignalSource, day: datetime.date, timeout_s: float) -> SignalDay | Exception:
    try:
        async with asyncio.timeout(timeout_s):
            return await source.fetch(day)
    except Exception as error:  # noqa: BLE001  (it is what is looked for)
        return error


def _answer(source: SignalSource, day: datetime.date, data: SignalDay) -> Finding:
    name = "points are of the day, in order, in its unit"
    said = (data.signal, data.unit, data.zone, data.source)
    if said != (source.name, source.unit, source.zone, source.origin):
        return Finding(name, False, f"it says {said}: use day_said()")
    try:
        check(data.points, day_slot(day, source.zone), source.name)
    except SignalError as error:
        return Finding(name, False, str(error))
    return Finding(name, bool(data.points), f"{len(data.points)} points")


async def _another_day(source: SignalSource, day: datetime.date, which: str, timeout_s: float) -> Finding:
    """It may know it or not; what it says is of that day."""
    name = f"{which}: points of that day, or a SignalError"
    answer = await _fetched(source, day, timeout_s)
    if isinstance(answer, SignalError):
        return Finding(name, True, str(answer))
    if isinstance(answer, Exception):
        return Finding(name, False, f"{type(answer).__name__}: {answer}")
    found = _answer(source, day, answer)
    return Finding(name, found.good or not answer.points, found.text)


async def _cancelled(source: SignalSource, day: datetime.date) -> Finding:
    task = asyncio.create_task(source.fetch(day))
    await asyncio.sleep(0)
    task.cancel()
    began_s = time.monotonic()
    await asyncio.wait((task,), timeout=CANCEL_S)
    if task.done() and not task.cancelled():
        task.exception()  # looked at, else asyncio complains of it
    took_s = time.monotonic() - began_s
    return Finding("ends when it is cancelled", task.done(), f"after {took_s:.1f} s")
