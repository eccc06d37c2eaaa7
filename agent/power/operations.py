# SPDX-License-Identifier: Apache-2.0
"""Operations: who asked for what, when, the steps it took, how it ended. Bounded; what is kept outlasts the agent."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from agent.events.event import rfc3339_ms
from agent.power.request import Reply, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KEPT = 256
"""Ended operations; running ones are kept besides."""
MAX_STEPS = 64


@dataclass(frozen=True, slots=True)
class Step:
    """`at_ms` counts from the beginning of the operation, on the monotonic clock."""

    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`what` is an action (`on`) or a method (`chassis/power/on`); `targets` are sources (`host/0`)."""

    id: str
    what: str
    targets: tuple[str, ...]
    origin: str
    began_unix_ms: int
    began_mono_ns: int
    steps: tuple[Step, ...] = ()
    result: Reply | None = None
    key: str = ""
    """A name that the one who asked gave it: asked again under the same name, it is the same operation."""

    @property
    def running(self) -> bool:
        return self.result is None

    @property
    def elapsed_ms(self) -> int:
        """Until now, or until it ended."""
        return self.steps[-1].at_ms if self.result is not None and self.steps else self.now().at_ms

    def now(self, text: str = "") -> Step:
        """A step at this instant."""
        return Step((time.monotonic_ns() - self.began_mono_ns) // 1_000_000, text)

    def document(self) -> dict[str, object]:
        """As faces show it."""
        return {
            "id": self.id,
            "what": self.what,
            "targets": list(self.targets),
            "origin": self.origin,
            "state": "running" if self.result is None else self.result.verdict.value,
            "reason": "" if self.result is None else self.result.reason,
            "began": rfc3339_ms(self.began_unix_ms),
            "elapsed_ms": self.elapsed_ms,
            "steps": [{"at_ms": step.at_ms, "text": step.text} for step in self.steps],
        }


class OperationRecord(Protocol):
    """Where operations are kept. Calls return at once and raise nothing."""

    def keep(self, operation: Operation) -> None:
        """It began, or it ended."""
        ...


class Operations:
    """Used on the loop's thread."""

    def __init__(self, boot: str, record: OperationRecord | None = None, earlier: Iterable[Operation] = ()) -> None:
        """`boot` names this run of the agent and makes ids unique over restarts.

        `earlier` are operations of earlier runs, oldest first; those that had not ended are `interrupted`.
        """
        self._boot = boot
        self._record = record
        self._number = 0
        self._operations: OrderedDict[str, Operation] = OrderedDict((known.id, known) for known in earlier)
        self.interrupted = tuple(known for known in self._operations.values() if known.running)
        self._by_target: dict[str, str] = {}
        self._by_key = {known.key: known.id for known in self._operations.values() if known.key}
        self._watchers: dict[str, list[Callable[[Operation], None]]] = {}
        self._ended: list[Callable[[Operation], None]] = []

    def new_id(self) -> str:
        """A name for an operation that may yet be refused: then it is never heard of again."""
        self._number += 1
        return f"{self._boot}-{self._number}"

    def begin(self, what: str, targets: tuple[str, ...], origin: str, key: str = "", name: str = "") -> str:
        """Returns the id of the new operation: `name`, if it was given one by `new_id`."""
        now_ms, now_ns = time.time_ns() // 1_000_000, time.monotonic_ns()
        made = Operation(name or self.new_id(), what, targets, origin, now_ms, now_ns, key=key)
        self._operations[made.id] = made
        for target in targets:
            self._by_target[target] = made.id
        if key:
            self._by_key[key] = made.id
        if self._record:
            self._record.keep(made)
        self._forget_oldest()
        return made.id

    def of_target(self, source: str) -> str | None:
        """The operation that a domain was part of last."""
        return self._by_target.get(source)

    def of_key(self, key: str) -> Operation | None:
        """The operation that was asked for under this name."""
        return self._operations.get(self._by_key.get(key, ""))

    def step(self, operation: str, text: str) -> None:
        """Something was reached; the same words twice in a row are one step."""
        known = self._operations.get(operation)
        if known is None or not known.running or len(known.steps) >= MAX_STEPS:
            return
        if not known.steps or known.steps[-1].text != text:
            self._become(replace(known, steps=(*known.steps, known.now(text))))

    def finish(self, operation: str, reply: Reply) -> None:
        """Only the first end counts."""
        known = self._operations.get(operation)
        if known is None or not known.running:
            return
        ended = replace(known, steps=(*known.steps, known.now(reply.verdict.value)), result=reply)
        self._become(ended)
        if self._record:
            self._record.keep(ended)
        for told in self._ended:
            told(ended)

    def interruption_resolved(self, operation: str, reply: Reply) -> None:
        """An operation of an earlier run gets its result; its clock was that run's, so that no time is added."""
        known = self._operations[operation]
        at_ms = known.steps[-1].at_ms if known.steps else 0
        ended = replace(known, steps=(*known.steps, Step(at_ms, reply.reason)), result=reply)
        self._become(ended)
        if self._record:
            self._record.keep(ended)

    def get(self, operation: str) -> Operation | None:
        return self._operations.get(operation)

    def all(self) -> tuple[Operation, ...]:
        """Oldest first."""
        return tuple(self._operations.values())

    def when_ended(self, told: Callable[[Operation], None]) -> None:
        """`told` is called with every operation that ends."""
        self._ended.append(told)

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
        ended = [known for known in self._operations.values() if not known.running]
        for operation in ended[: max(0, len(ended) - KEPT)]:
            del self._operations[operation.id]
            if self._by_key.get(operation.key) == operation.id:
                del self._by_key[operation.key]


def cut_short(found: str, as_wanted: bool) -> Reply:
    """The result of what the end of an agent interrupted: nothing is done again, the state that is found counts."""
    verdict = Verdict.DONE if as_wanted else Verdict.FAILED
    return Reply(verdict, f"cut short by an end of the agent; found: {found}")
