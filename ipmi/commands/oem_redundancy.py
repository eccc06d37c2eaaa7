# SPDX-License-Identifier: Apache-2.0
"""Cold redundancy of power supplies: OEM commands 30h/2Dh (set) and 30h/2Eh (get), as on Intel server boards.

Differences from there: selector 01h can be set, Set needs Operator, and a request is judged whole before anything
changes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

from ipmi.board import MAX_ROTATION_PERIOD_S, MIN_ROTATION_PERIOD_S, Privilege, RankAlgorithm
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.board import Redundancy, RedundancySettings
    from ipmi.dispatch import Answer
    from ipmi.request import Request

_SET_COMPLETE = b"\0"
Change = Callable[["RedundancySettings"], "RedundancySettings"]
"""A request that has been found good: what it makes of the settings."""


class Selector(enum.IntEnum):
    """First data byte of both commands."""

    STATUS = 0x00
    ENABLED = 0x01
    ROTATION = 0x02
    ALGORITHM = 0x03
    PERIOD = 0x04
    SUPPLY_COUNT = 0x05
    EFFECTIVE_RANKS = 0x06


class RedundancyCode(enum.IntEnum):
    UNSUPPORTED_SELECTOR = 0x80


class RedundancyCommands:
    """The settings of cold redundancy. Sets run one after the other: each changes a field of what the last one left."""

    def __init__(self, redundancy: Redundancy) -> None:
        self._redundancy = redundancy
        self._one_at_a_time = asyncio.Lock()

    def commands(self) -> tuple[Command, ...]:
        oem = NetFn.OEM_ONE
        return (
            Command(oem, 0x2D, "Set Cold Redundancy Config", Privilege.OPERATOR, self.set, 1, once=True),
            Command(oem, 0x2E, "Get Cold Redundancy Config", Privilege.USER, self.get, 1, 1),
        )

    async def set(self, request: Request) -> Answer:
        async with self._one_at_a_time:
            count = self._redundancy.supply_count()
            change = _judge(request.data[0], request.data[1:], count)
            if isinstance(change, enum.IntEnum):
                return change
            settings = self._redundancy.settings()
            if settings is None:
                return Completion.CANNOT_RESPOND
            stored = await self._redundancy.apply(change(settings), request.caller.origin)
            return _SET_COMPLETE if stored else Completion.CANNOT_RESPOND

    def get(self, request: Request) -> Answer:
        selector, count = request.data[0], self._redundancy.supply_count()
        if selector not in Selector.__members__.values():
            return RedundancyCode.UNSUPPORTED_SELECTOR
        settings = self._redundancy.settings()
        if settings is None or count == 0:
            return Completion.CANNOT_RESPOND
        return bytes((selector,)) + self._read(Selector(selector), settings, count)

    def _read(self, selector: Selector, settings: RedundancySettings, count: int) -> bytes:
        match selector:
            case Selector.STATUS:
                return bytes((self._redundancy.in_progress(),))
            case Selector.ENABLED:
                return bytes((settings.enabled,))
            case Selector.ROTATION:
                return bytes((settings.rotation,))
            case Selector.ALGORITHM:
                return bytes((settings.algorithm, *settings.ranks))
            case Selector.PERIOD:
                return settings.period_s.to_bytes(4, "little")
            case Selector.SUPPLY_COUNT:
                return bytes((count,))
            case Selector.EFFECTIVE_RANKS:
                return bytes(self._redundancy.effective_ranks())


def _judge(selector: int, data: bytes, count: int) -> Change | enum.IntEnum:
    """Check everything about a Set except whether it can be stored."""
    if selector in (Selector.ENABLED, Selector.ROTATION):
        change = _judge_flag(Selector(selector), data)
    elif selector == Selector.ALGORITHM:
        change = _judge_algorithm(data, count)
    elif selector == Selector.PERIOD:
        change = _judge_period(data)
    else:
        return RedundancyCode.UNSUPPORTED_SELECTOR
    return Completion.CANNOT_RESPOND if count == 0 else change


def _judge_flag(selector: Selector, data: bytes) -> Change | enum.IntEnum:
    if len(data) != 1:
        return Completion.LENGTH_INVALID
    if data[0] > 1:
        return Completion.INVALID_DATA
    value = bool(data[0])
    if selector is Selector.ENABLED:
        return lambda settings: dataclasses.replace(settings, enabled=value)
    return lambda settings: dataclasses.replace(settings, rotation=value)


def _judge_algorithm(data: bytes, count: int) -> Change | enum.IntEnum:
    """`00` alone, or `01` and one rank per supply: at most the count, all different; one supply may have rank 0."""
    if not data:
        return Completion.LENGTH_INVALID
    if data[0] not in RankAlgorithm.__members__.values():
        return Completion.INVALID_DATA
    algorithm, ranks = RankAlgorithm(data[0]), tuple(data[1:])
    if algorithm is RankAlgorithm.BMC_SPECIFIC:
        if ranks:
            return Completion.LENGTH_INVALID
        return lambda settings: dataclasses.replace(settings, algorithm=algorithm)
    if len(ranks) != count:
        return Completion.LENGTH_INVALID
    if max(ranks, default=0) > count or len(set(ranks)) != len(ranks):
        return Completion.INVALID_DATA
    return lambda settings: dataclasses.replace(settings, algorithm=algorithm, ranks=ranks)


def _judge_period(data: bytes) -> Change | enum.IntEnum:
    if len(data) != 4:
        return Completion.LENGTH_INVALID
    period_s = int.from_bytes(data, "little")
    if not MIN_ROTATION_PERIOD_S <= period_s <= MAX_ROTATION_PERIOD_S:
        return Completion.INVALID_DATA
    return lambda settings: dataclasses.replace(settings, period_s=period_s)
