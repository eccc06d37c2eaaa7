# SPDX-License-Identifier: Apache-2.0
"""Operations: who asked for what and when, the steps it took, how it ended. A bounded history in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.events.event import rfc3339_ms

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from agent.power.request import Reply

KEPT = 256
"""Ended operations; running ones are kept besides."""
MAX_STEPS = 64


@dataclass(frozen=True, slots=True)
class Step:
    unix_ms: int
    mono_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`what` is an action (`on`) or a method (`chassis/power/on`); `targets` are sources (`host/0`)."""

    id: str
    what: str
    targets: tuple[str, ...]
    origin: str
    began: Step
    steps: tuple[Step, ...] = ()
    result: Reply | None = None

    @property
    def running(self) -> bool:
        return self.result is None

    def document(self) -> dict[str, object]:
        """As faces show it."""
        last = self.steps[-1] if self.steps else self.began
        return {
            "id": self.id,
            "what": self.what,
            "targets": list(self.targets),
            "origin": self.origin,
            "state": "running" if self.result is None else self.result.verdict.value,
            "reason": "" if self.result is None else self.result.reason,
            "began": rfc3339_ms(self.began.unix_ms),
            "elapsed_ms": ((time.monotonic_ns() if self.running else last.mono_ns) - self.began.mono_ns) // 1_000_000,
            "steps": [
                {"at_ms": (step.mono_ns - self.began.mono_ns) // 1_000_000, "text": step.text} for step in self.steps
            ],
        }


class Operations:
    """Used on the loop's thread."""

    def __init__(self, boot: str) -> None:
        """`boot` names this run of the agent and makes ids unique over restarts."""
        self._boot = boot
        self._number = 0
        self._operations: OrderedDict[str, Operation] = OrderedDict()
        self._by_target: dict[str, str] = {}
        self._watchers: dict[str, list[Callable[[Operation], None]]] = {}

    def begin(self, what: str, targets: tuple[str, ...], origin: str) -> str:
        """Returns the id of the new operation."""
        self._number += 1
        made = Operation(f"{self._boot}-{self._number}", what, targets, origin, _now(""))
        self._operations[made.id] = made
        self._forget_oldest()
        return made.id

    def begin_on_host(self, source: str, what: str, origin: str, outcome: asyncio.Future[Reply]) -> None:
        """A host accepted a request; the operation ends with the outcome."""
        operation = self._by_target[source] = self.begin(what, (source,), origin)
        outcome.add_done_callback(lambda done: self.finish(operation, done.result()))

    def of_target(self, source: str) -> str | None:
        """The operation that a host began last."""
        return self._by_target.get(source)

    def step(self, operation: str, text: str) -> None:
        """Something was reached; the same words twice in a row are one step."""
        known = self._operations.get(operation)
        if known is None or not known.running or len(known.steps) >= MAX_STEPS:
            return
        if not known.steps or known.steps[-1].text != text:
            self._become(replace(known, steps=(*known.steps, _now(text))))

    def finish(self, operation: str, reply: Reply) -> None:
        """Only the first end counts."""
        known = self._operations.get(operation)
        if known is not None and known.running:
            end = _now(reply.verdict.value)
            self._become(replace(known, steps=(*known.steps, end), result=reply))

    def get(self, operation: str) -> Operation | None:
        return self._operations.get(operation)

    def all(self) -> tuple[Operation, ...]:
        """Oldest first."""
        return tuple(self._operations.values())

    def watch(self, operation: str, told: Callable[[Operation], None]) -> Callable[[], None]:
        """`told` is called with every new state of one operation, until the returned function is."""
        watchers = self._watchers.setdefault(operation, [])
        watchers.append(told)

        def unwatch() -> None:
            watchers.remove(told)
            if not watchers:
                self._watchers.pop(operation, None)

        return unwatch

    def _become(self, operation: Operation) -> None:
        self._operations[operation.id] = operation
        for told in tuple(self._watchers.get(operation.id, ())):
            told(operation)

    def _forget_oldest(self) -> None:
        ended = [known.id for known in self._operations.values() if not known.running]
        for operation in ended[: max(0, len(ended) - KEPT)]:
            del self._operations[operation]


def _now(text: str) -> Step:
    return Step(time.time_ns() // 1_000_000, time.monotonic_ns(), text)
