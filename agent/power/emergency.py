# SPDX-License-Identifier: Apache-2.0
"""Emergency off by the interlock path: one order to the line engine's thread, then bookkeeping.

The engine presses only hosts whose power-good is settled on, past any press that runs; what it leaves alone (a host
that sleeps, is just starting, or has no button line) is forced off through the power manager's units.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.power.lines import RESULTS
from agent.power.request import Action, Reply, Request, Verdict
from native import HoldOff, Interlock, LatchLevel, LineError, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from agent.power.host import Host
    from agent.power.rail_unit import RailUnit
    from agent.power.unit import Unit
    from native import InterlockEnded, InterlockFired, LineEngine

log = logging.getLogger(__name__)

PREFIX = "emergency:"
"""Of the rules' names; the colon keeps them apart from those of profiles."""
ANSWER_S = 1.0
"""The engine has told by then what it did."""
GIVE_UP_S = 60.0
"""A host in the middle of another action is asked again for so long."""
RETRY_S = 0.1


@dataclass(frozen=True, slots=True)
class EmergencyRule:
    """What is done to one domain at once. Exactly one of the two."""

    domain: str
    hold_off: HoldOff | None = None
    latches: tuple[LatchLevel, ...] = ()

    @property
    def name(self) -> str:
        return PREFIX + self.domain

    def interlock(self) -> Interlock:
        """No input fires it."""
        return Interlock(self.name, None, True, (self.hold_off,) if self.hold_off else self.latches)


class EmergencyOff:
    """Used on the loop's thread."""

    def __init__(
        self,
        engine: LineEngine,
        rules: Sequence[EmergencyRule],
        hosts: Mapping[str, Host],
        rails: Mapping[str, RailUnit],
    ) -> None:
        """`rules` are those that the engine was opened with."""
        self._engine = engine
        self.rules = {rule.domain: rule for rule in rules}
        self._hosts = hosts
        self._rails = rails
        self._answers: dict[str, asyncio.Future[bool]] = {}
        self._requests: dict[str, Request] = {}
        self._holding: set[str] = set()

    def everything(self) -> frozenset[str]:
        """Every host, and every rail with a rule."""
        return frozenset(self._hosts) | frozenset(self.rules)

    def fire(self, domains: Iterable[str], request: Request) -> None:
        """The part that must be quick: nothing else is done before it. Hosts come before their rails."""
        wanted = frozenset(domains)
        for name, rule in self.rules.items():
            if name in wanted:
                try:
                    self._engine.fire(rule.name)
                except LineError as error:
                    log.error("emergency off of %s: %s", name, error)
                else:
                    self._requests[name] = request
                    self._answers[name] = asyncio.get_running_loop().create_future()

    async def follow(self, domains: Collection[str], request: Request, tell: Callable[[str, Reply], None]) -> None:
        """Until each is off, or it is known why not; then what the rules have latched is free again."""
        try:
            async with asyncio.TaskGroup() as together:
                for name in domains:
                    together.create_task(self._follow_one(name, request, tell))
        finally:
            for name in domains:
                self._answers.pop(name, None)
                self._requests.pop(name, None)
                rule = self.rules.get(name)
                if rule is not None and rule.latches:
                    self._engine.reset(rule.name)

    async def _follow_one(self, name: str, request: Request, tell: Callable[[str, Reply], None]) -> None:
        unit: Host | RailUnit = self._hosts[name] if name in self._hosts else self._rails[name]
        if await self._seized(name):
            reply = await unit.outcome()
            if reply.verdict.good:
                tell(name, reply)
                return
        reply = await force_off(unit, request)
        if reply.verdict is Verdict.NOT_IN_THIS_STATE and name in self._hosts:
            reply = await self._hosts[name].cut() or reply
        tell(name, reply)

    async def _seized(self, name: str) -> bool:
        """Whether the engine acted on it."""
        if name not in self._answers:
            return False
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._answers[name]
        except TimeoutError:
            log.warning("emergency off of %s: the line engine has not answered", name)
            return False

    # ------------------------------------------------------------------ what the engine tells

    def ours(self, rule: str) -> bool:
        """Whether the engine's rule of this name is one of an emergency."""
        return rule.startswith(PREFIX)

    def fired(self, event: InterlockFired) -> None:
        """The engine acted on a line, or left it alone."""
        name = event.rule.removeprefix(PREFIX)
        acted = event.outcome is Outcome.COMPLETED
        answer = self._answers.get(name)
        first = answer is not None and not answer.done()
        if name in self._rails:
            if acted and first:
                self._rails[name].seized()
        elif acted:
            self._holding.add(name)
            self._hosts[name].seized(self._requests[name])
        if answer is not None and not answer.done():
            answer.set_result(acted or name in self._holding)

    def ended(self, event: InterlockEnded) -> None:
        """A button was let go."""
        name = event.rule.removeprefix(PREFIX)
        self._holding.discard(name)
        if name in self._hosts:
            self._hosts[name].seizure_ended(RESULTS[event.outcome], event.reason)


async def force_off(unit: Unit, request: Request) -> Reply:
    """Force off, as soon as whatever the unit is doing lets it: an on-press must not win over an emergency."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + GIVE_UP_S
    while True:
        reply, outcome = unit.ask(Request(Action.FORCE_OFF, request.origin, force=True))
        if outcome is not None:
            reply = await asyncio.shield(outcome)
        if reply.verdict is not Verdict.BUSY or loop.time() >= until_s:
            return reply
        await asyncio.sleep(RETRY_S)
