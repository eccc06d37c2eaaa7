# SPDX-License-Identifier: Apache-2.0
"""Arms the interlocks of a host by its state: a rule that may act only on a running host sleeps while it is off."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from native import LineError, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.power.request import HostState
    from agent.profile.rules import InterlockTable
    from native import InterlockFired, LineEngine

log = logging.getLogger(__name__)


@dataclass
class InterlockState:
    """`fired` is set by what the engine told; a rule acts once until it is reset."""

    armed: bool
    fired: bool = False


class Interlocks:
    """Used on the loop's thread. The engine acts by itself; the agent says when a rule may, and resets it."""

    def __init__(self, engine: LineEngine, tables: Sequence[InterlockTable], outputs_armed: bool) -> None:
        """`outputs_armed` False: the board only observes, and the engine has no rules at all."""
        self._engine = engine
        self._tables = tuple(tables) if outputs_armed else ()
        self.states = {table.name: InterlockState(armed=not table.armed_in) for table in self._tables}

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
        self.states[event.rule].fired |= event.outcome is not Outcome.REFUSED

    def reset(self, name: str) -> bool:
        """Free what the rule has latched and let it act anew; False if there is no such rule. Raises LineError."""
        if name not in self.states:
            return False
        self._engine.reset(name)
        self.states[name].fired = False
        return True
