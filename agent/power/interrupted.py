# SPDX-License-Identifier: Apache-2.0
"""What becomes of operations that an end of the agent cut short: the state found decides, nothing is repeated."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.power.operations import cut_short
from agent.power.request import Action, HostState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.power.operations import Operation, Operations
    from agent.power.plan import DomainFacts

log = logging.getLogger(__name__)

WANTED: dict[str, HostState] = {
    Action.ON.value: HostState.ON,
    Action.SOFT_OFF.value: HostState.OFF,
    Action.FORCE_OFF.value: HostState.OFF,
    "chassis/power/on": HostState.ON,
    "restore": HostState.ON,
    "chassis/power/off": HostState.OFF,
    "system/emergency/off": HostState.OFF,
}
"""What an operation was to reach. Whether a cycle or a reset has happened cannot be seen afterwards."""


class Interrupted:
    """Used on the loop's thread: call `look` when a domain's state becomes known."""

    def __init__(self, operations: Operations, sources: Mapping[str, str], emit: Callable[..., object]) -> None:
        """`sources` gives the name of each domain by its source."""
        self._operations = operations
        self._names = sources
        self._emit = emit
        self._pending = list(operations.interrupted)

    def look(self, facts: Mapping[str, DomainFacts]) -> None:
        """Resolve every operation whose targets have all been seen."""
        for operation in tuple(self._pending):
            states = {source: facts[self._names[source]].state for source in operation.targets if source in self._names}
            if HostState.UNKNOWN not in states.values():
                self._pending.remove(operation)
                self._resolve(operation, states)

    def _resolve(self, operation: Operation, states: Mapping[str, HostState]) -> None:
        wanted = WANTED.get(operation.what)
        found = ", ".join(f"{source} {state.value}" for source, state in states.items()) or "nothing of it is left"
        as_wanted = wanted is not None and bool(states) and all(state is wanted for state in states.values())
        reply = cut_short(found, as_wanted)
        self._operations.interruption_resolved(operation.id, reply)
        log.warning("operation %s (%s by %s): %s", operation.id, operation.what, operation.origin, reply.reason)
        source = operation.targets[0] if operation.targets else "board"
        self._emit(EventKind.OPERATION_INTERRUPTED, source, operation.id, operation.what, found)
