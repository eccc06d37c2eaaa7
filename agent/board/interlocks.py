# SPDX-License-Identifier: Apache-2.0
"""Arms the interlocks of a host by its state: a rule that may act only on a running host sleeps while it is off."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from native import LineError, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.board.fired import FiredInterlocks
    from agent.power.request import HostState
    from agent.profile.rules import InterlockTable
    from native import InterlockEnded, InterlockFired, LineEngine

log = logging.getLogger(__name__)


@dataclass
class InterlockState:
    """`fired` is set by what the engine told; a rule acts once until it is reset."""

    armed: bool
    fired: bool = False
    holding: set[str] = field(default_factory=set)
    """Buttons that it holds at this moment."""


class Interlocks:
    """Used on the loop's thread. The engine acts by itself; the agent says when a rule may, and resets it."""

    def __init__(
        self,
        engine: LineEngine,
        tables: Sequence[InterlockTable],
        outputs_armed: bool,
        buttons: Mapping[str, str],
        record: FiredInterlocks | None = None,
    ) -> None:
        """`outputs_armed` False: the board only observes, and the engine has no rules at all.

        `buttons` is the power button's line of each host; `record` remembers over restarts what has fired.
        """
        self._engine = engine
        self._tables = tuple(tables) if outputs_armed else ()
        self._buttons = {table.name: {buttons[host] for host in table.hold_off} for table in self._tables}
        self._record = record
        fired = record.names if record else ()
        self.states = {
            table.name: InterlockState(armed=not table.armed_in, fired=table.name in fired) for table in self._tables
        }
        for name, state in self.states.items():
            if state.fired:
                log.warning(
                    "interlock %s fired in an earlier run: it acts again after `pgood lines reset %s`", name, name
                )

    def host_changed(self, host: str, state: HostState) -> None:
        for table in self._tables:
            if table.host == host:
                self._arm(table.name, state.value in table.armed_in)

    def _arm(self, name: str, wanted: bool) -> None:
        if self.states[name].armed == wanted:
            return
        try:
            (self._engine.arm if wanted else self._engine.disarm)(name)
        except LineError as error:
            log.warning("interlock %s: %s", name, error)  # tried again when the host changes next
        else:
            self.states[name].armed = wanted

    def fired(self, event: InterlockFired) -> None:
        if event.outcome is Outcome.REFUSED:
            return
        state = self.states[event.rule]
        state.fired = True
        if event.outcome is Outcome.COMPLETED and event.output in self._buttons[event.rule]:
            state.holding.add(event.output)
        self._remember()

    def ended(self, event: InterlockEnded) -> None:
        """A button that it held was let go."""
        self.states[event.rule].holding.discard(event.output)
        self._remember()

    def reset(self, name: str) -> bool:
        """Free what the rule has latched and let it act anew; False if there is no such rule. Raises LineError."""
        if name not in self.states:
            return False
        self._engine.reset(name)
        self.states[name].fired = False
        self._remember()
        return True

    async def close(self) -> None:
        """Wait until what has fired is remembered."""
        if self._record:
            await self._record.close()

    def _remember(self) -> None:
        """Not while a button is held: were the agent killed now, the rule would have to act again after the restart."""
        if self._record:
            self._record.keep(name for name, state in self.states.items() if state.fired and not state.holding)
