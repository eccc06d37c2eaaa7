# SPDX-License-Identifier: Apache-2.0
"""One chassis or auxiliary domain: feeds the pure machine with line events and time, and lets its effects happen."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from agent.power.host import OBSERVE_ONLY
from agent.power.rail import Drive, Rail, RailFinish, RailTell
from agent.power.request import Action, HostState, Reply, Request, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.power.domain import Domain
    from agent.power.rail import RailEffect, RailTiming

log = logging.getLogger(__name__)

SWITCHES: dict[Action, bool] = {Action.ON: True, Action.SOFT_OFF: False, Action.FORCE_OFF: False}


class RailControls(Protocol):
    """What raises and lowers a domain. The end of `drive` is told to the unit: `driven` or `drive_failed`."""

    @property
    def armed(self) -> bool: ...

    def drive(self, active: bool) -> None:
        """Begin. Raises nothing."""
        ...


class RailUnit:
    """Implements agent.power.unit.Unit. Used on the loop's thread only."""

    def __init__(
        self,
        domain: Domain,
        timing: RailTiming,
        has_power_good: bool,
        controls: RailControls,
        emit: Callable[..., object],
        changed: Callable[[RailUnit], None],
    ) -> None:
        self.domain = domain
        self._controls = controls
        self._emit = emit
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._rail = Rail(has_power_good, timing)
        self._outcome: asyncio.Future[Reply] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        return self.domain.name

    @property
    def state(self) -> HostState:
        return self._rail.state

    @property
    def busy(self) -> bool:
        return self._rail.running is not None

    @property
    def has_power_good(self) -> bool:
        return self._rail.has_power_good

    @property
    def fault(self) -> str:
        return self._rail.fault

    @property
    def raised(self) -> bool | None:
        """What the controls are driven to."""
        return self._rail.raised

    def set_timing(self, timing: RailTiming) -> None:
        """For operations that begin from now on, and for the one that runs."""
        self._rail = self._rail.with_timing(timing)

    def refusal(self, request: Request) -> Reply | None:
        """Why this domain can never do that, whatever its state; None = it can."""
        if request.action not in SWITCHES:
            return Reply(Verdict.NOT_WIRED, f"{self.domain.source} can be switched on and off only")
        return None if self._controls.armed else Reply(Verdict.NOT_ARMED, OBSERVE_ONLY)

    def ask(self, request: Request) -> tuple[Reply, asyncio.Future[Reply] | None]:
        if refusal := self.refusal(request):
            return refusal, None
        rail, effects, reply = self._rail.ask(SWITCHES[request.action], time.monotonic_ns())
        if reply.verdict is not Verdict.ACCEPTED:
            return reply, None
        self._outcome = outcome = self._loop.create_future()
        log.info("%s: %s by %s", self.domain.source, request.action.value, request.origin)
        self._become(rail, effects)
        return reply, outcome

    # ------------------------------------------------------------------ what happens

    def driven(self, active: bool) -> None:
        """All controls are at this level: they were brought there, or were found so."""
        self._become(*self._rail.driven(active))

    def drive_failed(self, why: str) -> None:
        self._become(*self._rail.drive_failed(why, time.monotonic_ns()))

    def power_good(self, good: bool | None) -> None:
        """What all power-good inputs together say; None = it cannot be told."""
        self._become(*self._rail.power_good(good, time.monotonic_ns()))

    def seized(self) -> None:
        """An emergency has lowered the controls by the line engine's own rule."""
        rail, effects = self._rail.seized(time.monotonic_ns())
        self._finish(Reply(Verdict.FAILED, "overtaken by an emergency"))
        self._outcome = self._loop.create_future()
        self._become(rail, effects)

    async def outcome(self) -> Reply:
        """How the operation under way ends, or how the last one did."""
        return Reply(Verdict.DONE) if self._outcome is None else await asyncio.shield(self._outcome)

    def close(self) -> None:
        """Stop watching; no line moves."""
        if self._timer:
            self._timer.cancel()
        self._finish(Reply(Verdict.FAILED, "the agent stops"))

    def _become(self, rail: Rail, effects: list[RailEffect]) -> None:
        before, self._rail = self._rail, rail
        for effect in effects:
            match effect:
                case Drive(active=active):
                    self._controls.drive(active)
                case RailTell(kind=kind, args=args):
                    self._emit(kind, self.domain.source, self.name, *args)
                case RailFinish(reply=reply):
                    self._finish(reply)
        self._set_timer()
        if before.state is not self._rail.state or before.fault != self._rail.fault:
            self._changed(self)

    def _finish(self, reply: Reply) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(reply)

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._rail.deadline_ns is not None:
            delay_s = max(0.0, (self._rail.deadline_ns - time.monotonic_ns()) / 1e9) + 0.001
            self._timer = self._loop.call_later(delay_s, self._expired)

    def _expired(self) -> None:
        self._timer = None
        self._become(*self._rail.expired(time.monotonic_ns()))
