# SPDX-License-Identifier: Apache-2.0
"""Watchdog commands: a timer that acts on the host when nobody resets it (IPMI 2.0 section 27)."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn
from ipmi.watchdog import Due, Watchdog, decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import Chassis
    from ipmi.dispatch import Answer
    from ipmi.request import Request

_DONT_STOP = 0x40


class WatchdogCode(enum.IntEnum):
    NEVER_SET = 0x80


class WatchdogCommands:
    """The timer of one host, and the loop's clock under it."""

    def __init__(self, chassis: Chassis, clock: Callable[[], float]) -> None:
        self._chassis = chassis
        self._clock = clock
        self._watchdog = Watchdog()
        self._timer: asyncio.TimerHandle | None = None
        self._acting: set[asyncio.Task[None]] = set()

    def commands(self) -> tuple[Command, ...]:
        operator, app = Privilege.OPERATOR, NetFn.APP
        return (
            Command(app, 0x22, "Reset Watchdog Timer", operator, self.reset, 0, 0),
            Command(app, 0x24, "Set Watchdog Timer", operator, self.set, 6, 6),
            Command(app, 0x25, "Get Watchdog Timer", Privilege.USER, self.get, 0, 0),
        )

    def reset(self, request: Request) -> Answer:
        if not self._watchdog.start(self._clock()):
            return WatchdogCode.NEVER_SET
        self._arm()
        return b""

    def set(self, request: Request) -> Answer:
        settings = decode(request.data)
        if settings is None:
            return Completion.INVALID_DATA
        self._watchdog.set(settings, bool(request.data[0] & _DONT_STOP), request.data[3], self._clock())
        self._arm()
        return b""

    def get(self, request: Request) -> Answer:
        return self._watchdog.encode(self._clock())

    def close(self) -> None:
        """Stop the timer without acting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.close()
        next_at = self._watchdog.next_at()
        if next_at is not None:
            delay_s = max(0.0, next_at - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        self._timer = None
        due, settings = self._watchdog.due(self._clock()), self._watchdog.settings
        if due is Due.EXPIRY and settings is not None:
            self._begin(asyncio.create_task(self._chassis.watchdog_expired(settings.action), name="watchdog"))
        elif due is Due.WARNING:
            self._begin(asyncio.create_task(self._chassis.watchdog_warned(), name="watchdog warning"))
        self._arm()

    def _begin(self, task: asyncio.Task[None]) -> None:
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)
