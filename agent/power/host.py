# SPDX-License-Identifier: Apache-2.0
"""One host: feeds the pure machine with line events and time, and lets its effects happen on the lines."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from agent.power.effects import Finish, HoldUntilOff, PowerGood, Press, PressResult, Tell
from agent.power.machine import Machine
from agent.power.request import Action, HostState, Reply, Request, Verdict
from native import LineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.events.event import EventKind
    from agent.power.effects import Effect
    from agent.power.timing import HostTiming

log = logging.getLogger(__name__)

OBSERVE_ONLY = "the board is observe-only until it is armed: run 'pgood arm'"
PANEL_ON, PANEL_RESET = "front-panel", "front-panel:reset"
"""Who last brought the host up, when a person did so at the machine itself."""


class HostLines(Protocol):
    """The lines of one host. Calls return at once; the end of a press is told by `Host.press_ended`."""

    def lacks(self, action: Action) -> str:
        """What this action would need and the profile does not have, in words; empty = nothing."""
        ...

    @property
    def armed(self) -> bool:
        """Whether outputs may be driven at all (safety rule 10)."""
        ...

    def press(self, press: Press) -> int:
        """Begin a press; returns its token. Raises LineError when the engine refuses at once."""
        ...

    def hold_until_off(self, hold: HoldUntilOff) -> int: ...

    async def cut(self) -> Reply | None:
        """Off although the state is unknown, where that can be said without a press; None = it cannot."""
        ...


@dataclass(frozen=True, slots=True)
class HostView:
    """What faces show of a host."""

    name: str
    state: HostState
    powered: bool
    reason: str
    armed: bool
    running: Action | None
    since_unix_ms: int
    last_on_by: str
    """Origin of the request that last brought the host up or reset it; empty if it came up by itself."""


class Host:
    """One host of the board. Used on the loop's thread only."""

    def __init__(
        self,
        name: str,
        timing: HostTiming,
        lines: HostLines,
        emit: Callable[..., object],
        changed: Callable[[Host], None],
        *,
        asked: Callable[[Host, Request], None] = lambda host, request: None,
    ) -> None:
        """`emit(kind, source, *args)` is the event bus; `changed` is called after every change of the view.

        `asked` is called with each request that
        was accepted or found the host as wanted.
        """
        self.name = name
        self._machine = Machine(timing)
        self._lines = lines
        self._emit = emit
        self._changed = changed
        self._asked = asked
        self._token: int | None = None
        self._outcome: asyncio.Future[Reply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._since_unix_ms = time.time_ns() // 1_000_000
        self._last_on_by = ""
        self._panel_on_ns: int | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def source(self) -> str:
        return f"host/{self.name}"

    @property
    def power_good(self) -> PowerGood | None:
        """As it has settled; None while it cannot be told."""
        return self._machine.power_good

    def view(self) -> HostView:
        machine = self._machine
        return HostView(
            name=self.name,
            state=machine.state,
            powered=machine.powered,
            reason=machine.blind or machine.reason,
            armed=self._lines.armed,
            running=machine.running.request.action if machine.running else None,
            since_unix_ms=self._since_unix_ms,
            last_on_by=self._last_on_by,
        )

    # ------------------------------------------------------------------ requests

    def set_timing(self, timing: HostTiming) -> None:
        """For what begins from now on; what an adapter takes stays its own."""
        own = replace(timing, act_within_ms=self._machine.timing.act_within_ms)
        self._machine = replace(self._machine, timing=own)

    def refusal(self, request: Request) -> Reply | None:
        """Why this host can never do that, whatever its state; None = it can."""
        if lacking := self._lines.lacks(request.action):
            return Reply(Verdict.NOT_WIRED, f"host {self.name} has no {lacking} in the profile")
        if not self._lines.armed:
            return Reply(Verdict.NOT_ARMED, OBSERVE_ONLY)
        return None

    def ask(self, request: Request) -> tuple[Reply, asyncio.Future[Reply] | None]:
        """Begin an action. ACCEPTED comes with a future of the outcome; every other reply is final."""
        if refusal := self.refusal(request):
            return refusal, None
        machine, effects, reply = self._machine.ask(request, time.monotonic_ns())
        log.info(
            "host %s: %s by %s: %s %s",
            self.name,
            request.action.value,
            request.origin,
            reply.verdict.value,
            reply.reason,
        )
        if reply.verdict.good:
            self._asked(self, request)
        if reply.verdict is not Verdict.ACCEPTED:
            return reply, None
        previous, self._outcome = self._outcome, self._loop.create_future()
        outcome = self._outcome
        if previous is not None and not previous.done():
            previous.set_result(Reply(Verdict.FAILED, f"overtaken by {request.action.value}"))
            effects = [effect for effect in effects if not isinstance(effect, Finish)]
        if request.action in (Action.ON, Action.CYCLE, Action.RESET):
            self._last_on_by = request.origin
        self._become(machine, effects)
        return reply, outcome

    async def run(self, request: Request) -> Reply:
        """Begin an action and wait for its outcome."""
        reply, outcome = self.ask(request)
        return reply if outcome is None else await asyncio.shield(outcome)

    # ------------------------------------------------------------------ what happens

    def power_good_settled(self, level: PowerGood) -> None:
        if self._machine.power_good not in (None, level) and self._machine.running is None and level is PowerGood.ON:
            within_ns = self._machine.timing.power_on_timeout_ms * 1_000_000
            by_hand = self._panel_on_ns is not None and time.monotonic_ns() - self._panel_on_ns <= within_ns
            self._last_on_by = PANEL_ON if by_hand else ""
        self._become(*self._machine.power_good_settled(level, time.monotonic_ns()))

    def power_good_unknown(self, why: str) -> None:
        """Power cannot be sensed, for a reason that a person reads."""
        self._become(*self._machine.power_good_unknown(why, time.monotonic_ns()))

    def awaits(self, token: int) -> bool:
        """Whether this command of the engine is its own."""
        return token == self._token

    def press_ended(self, token: int, result: PressResult, detail: str) -> None:
        """The engine reports the end of a command; other hosts' and older tokens are none of ours."""
        if self.awaits(token):
            self._token = None
            self._become(*self._machine.press_ended(result, detail, time.monotonic_ns()))

    def panel_pressed(self, request: Request) -> None:
        """A person pressed a button at the machine, past us: what follows is of his doing."""
        self._machine = self._machine.panel_pressed(request.action, time.monotonic_ns())
        self._panel_on_ns = time.monotonic_ns() if request.action in (Action.ON, Action.RESET) else None
        if request.action is Action.RESET:
            self._last_on_by = PANEL_RESET
        self._asked(self, request)

    @property
    def state(self) -> HostState:
        return self._machine.state

    @property
    def busy(self) -> bool:
        return self._machine.running is not None

    def seized(self, request: Request) -> None:
        """The line engine holds the power button by an emergency's rule; `seizure_ended` tells its end."""
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(Reply(Verdict.FAILED, "overtaken by an emergency"))
        self._outcome, self._token = self._loop.create_future(), None
        self._asked(self, request)
        self._become(*self._machine.seized(request, time.monotonic_ns()))

    def seizure_ended(self, result: PressResult, detail: str) -> None:
        """The rule has let go of the power button."""
        self._become(*self._machine.press_ended(result, detail, time.monotonic_ns()))

    async def cut(self) -> Reply | None:
        """For an emergency: off although the state is unknown; None = that cannot be said without a press."""
        return await self._lines.cut()

    async def outcome(self) -> Reply:
        """How the operation under way ends, or how the last one did."""
        return Reply(Verdict.DONE) if self._outcome is None else await asyncio.shield(self._outcome)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(Reply(Verdict.FAILED, "the agent stops"))

    def _expired(self) -> None:
        self._timer = None
        self._become(*self._machine.expired(time.monotonic_ns()))

    def _become(self, machine: Machine, effects: list[Effect]) -> None:
        before, self._machine = self._machine, machine
        if before.state is not machine.state:
            self._since_unix_ms = time.time_ns() // 1_000_000
        for effect in effects:
            self._do(effect)
        self._arm_timer()
        if before != self._machine:
            self._changed(self)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Tell(kind=kind, args=args):
                self._tell(kind, args)
            case Finish(reply=reply):
                self._finish(reply)
            case Press() | HoldUntilOff():
                try:
                    self._token = (
                        self._lines.press(effect) if isinstance(effect, Press) else self._lines.hold_until_off(effect)
                    )
                except LineError as error:
                    self._loop.call_soon(self._press_failed, str(error))

    def _press_failed(self, why: str) -> None:
        self._become(*self._machine.press_ended(PressResult.FAILED, why, time.monotonic_ns()))

    def _tell(self, kind: EventKind, args: tuple[str, ...]) -> None:
        self._emit(kind, self.source, self.name, *args)

    def _finish(self, reply: Reply) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(reply)
        log.info("host %s: %s %s", self.name, reply.verdict.value, reply.reason)

    def _arm_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        deadline_ns = self._machine.deadline_ns
        if deadline_ns is not None:
            delay_s = max(0.0, (deadline_ns - time.monotonic_ns()) / 1e9) + 0.001
            self._timer = self._loop.call_later(delay_s, self._expired)
