# SPDX-License-Identifier: Apache-2.0
"""The uptime of many nodes, with what is kept of it over restarts of whoever counts. No clock, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.fleet.node.documents import Name
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.uptime import Boot, Uptime

if TYPE_CHECKING:
    from agent.fleet.node.documents import Heartbeat

MAX_NODES = 10_000


class _Kept(msgspec.Struct, frozen=True):
    boots: tuple[Boot, ...] = ()
    earlier_ns: int = 0


class UptimeBook:
    """Counts heartbeats; a crash, of a node or of whoever counts, costs less than one. Used from one thread."""

    def __init__(self, kept: object = None) -> None:
        """`kept` is what `kept` told before; None = nothing. Raises ValueError if it is damaged."""
        try:
            known = msgspec.convert({} if kept is None else kept, dict[Name, _Kept])
        except msgspec.ValidationError as error:
            raise ValueError(f"what is kept of uptimes is damaged: {error}") from error
        self._of = {node: Uptime(one.boots, one.earlier_ns) for node, one in known.items()}

    def heartbeat(self, document: Heartbeat, now_ns: int) -> Refusal | None:
        """Count one; late and repeated ones change nothing. `now_ns` is of whoever counts."""
        known = self._of.get(document.node)
        if known is None and len(self._of) >= MAX_NODES:
            return Refusal(RefusedBecause.TOO_MANY, f"more than {MAX_NODES} nodes")
        counted = (known or Uptime()).heartbeat(document, now_ns)
        if isinstance(counted, Refusal):
            return counted
        self._of[document.node] = counted
        return None

    def total_ns(self, node: str) -> int:
        """How long it was up, over all its boots."""
        known = self._of.get(node)
        return 0 if known is None else known.total_ns

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(sorted(self._of))

    def kept(self) -> dict[str, Any]:
        """For a JSON file or the settings store, after each heartbeat that counts."""
        return {node: msgspec.to_builtins(_Kept(one.boots, one.earlier_ns)) for node, one in self._of.items()}
