# SPDX-License-Identifier: Apache-2.0
"""Sources for tests: by their options, and scripted ones."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agent.energy.signals import registry
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import Around
from agent.energy.signals.one_thread import OneThread
from agent.energy.slots import quarters

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from agent.energy.signals.interface import SignalSource

PARIS = "Europe/Paris"
ANSWERS = Path(__file__).parent / "answers"


def around(name: str = "price", zone: str = PARIS) -> Around:
    return Around(name, zone, OneThread(name))


def source(kind: str, zone: str = PARIS, **options: Any) -> SignalSource:
    found = registry.find(kind)
    assert found is not None
    assert found.kind is not None
    made = msgspec.convert(options, found.kind.options)
    assert not list(found.kind.faults(made))
    return found.kind.make(made, around(zone=zone))


def fetch(of: SignalSource, day: datetime.date) -> SignalDay:
    return asyncio.run(of.fetch(day))


def refusal(of: SignalSource, day: datetime.date) -> SignalError:
    try:
        fetch(of, day)
    except SignalError as error:
        return error
    raise AssertionError("it answered")


class Scripted:
    """Answers what `script` says for a day: points, or an exception that is raised."""

    unit = SignalUnit.EUR_PER_MWH
    step_s = 900
    origin = "scripted"
    ahead = True

    def __init__(self, script: Callable[[datetime.date], Any], name: str = "price", zone: str = PARIS) -> None:
        self.name, self.zone = name, zone
        self.script = script
        self.asked: list[datetime.date] = []

    async def fetch(self, day: datetime.date) -> SignalDay:
        self.asked.append(day)
        answer = self.script(day)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, SignalDay):
            return answer
        return day_said(self, tuple(answer))


def day_of(value: float, day: datetime.date, share: float = 1.0, zone: str = PARIS) -> tuple[SignalPoint, ...]:
    """The first part of a day, with one value."""
    slots = quarters(day, zone)
    return tuple(SignalPoint(slot.start_utc_s, slot.duration_s, value) for slot in slots[: int(len(slots) * share)])
