# SPDX-License-Identifier: Apache-2.0
"""Somebody in a segment stays awake: who wants to sleep needs the promise of another node to stay awake meanwhile.

The promise is counted from the question on the side of the asker and from its arrival on the other: whatever the
network delays, it ends later for whoever gave it. Nobody promises who has begun to go to sleep, and nobody begins
while bound by a promise. So the last two can never both leave.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.fleet.node.documents import WitnessAsked, WitnessPromised
from agent.fleet.node.refusal import Refusal, RefusedBecause

if TYPE_CHECKING:
    from collections.abc import Sequence

NS_PER_S = 1_000_000_000
BOUND_NS = 120 * NS_PER_S
"""Whoever promised stays awake this long after the question arrived, unless less was asked for."""
USABLE = 5 / 6
"""Whoever asked goes within this part of it after the question; what is left pays for clocks of different speed."""
ANSWER_NS = 5 * NS_PER_S
"""Without an answer the next candidate is asked after this."""
MAX_OPEN = 16


@dataclass(frozen=True, slots=True)
class Question:
    witness: str
    number: int
    asked_ns: int


@dataclass(frozen=True, slots=True)
class Witness:
    """Both sides of the promise, for one node."""

    node: str
    segment: str
    start: int
    number: int = 0
    asked: tuple[Question, ...] = ()
    """The open questions, the last one at the end; an answer to any of them counts."""
    bound_until_ns: int | None = None
    promised_until_ns: int | None = None
    bound_ns: int = BOUND_NS
    """What is asked for, and at most promised. A node stays awake longer than this after its start."""

    def ask(self, candidates: Sequence[str], now_ns: int) -> tuple[Witness, WitnessAsked | None]:
        """Ask one of the candidates, and the next after a while. Who is bound itself must not ask."""
        waiting = bool(self.asked) and now_ns < self.asked[-1].asked_ns + ANSWER_NS
        if waiting or not candidates or self._bound(now_ns):
            return self, None
        number = self.number + 1
        whom = candidates[number % len(candidates)]
        question = WitnessAsked(
            node=self.node,
            segment=self.segment,
            witness=whom,
            start=self.start,
            number=number,
            stay_ns=self.bound_ns,
        )
        asked = (*self.asked, Question(whom, number, now_ns))[-MAX_OPEN:]
        return replace(self, number=number, asked=asked), question

    def cancel(self) -> Witness:
        """No promise is needed any more: an answer that still comes is for nothing."""
        return replace(self, asked=(), promised_until_ns=None)

    def question(
        self, document: WitnessAsked, now_ns: int, *, settled: bool, asking: bool
    ) -> tuple[Witness, WitnessPromised | Refusal | None]:
        """Another node asks. `settled`: this one is up and not about to sleep; `asking`: it only asks around itself.

        Of two that ask each other the one with the smaller name goes.
        """
        if document.segment != self.segment:
            return self, Refusal(RefusedBecause.OTHER_SEGMENT, f"{document.node} asks from {document.segment!r}")
        if document.witness != self.node or document.node == self.node:
            return self, None
        if document.stay_ns > self.bound_ns:
            why = f"{document.node} asks for {document.stay_ns // NS_PER_S} s: a restart here could break that promise"
            return self, Refusal(RefusedBecause.IMPLAUSIBLE, why)
        yields = asking and document.node < self.node and self.promised_until_ns is None
        if not settled and not yields:
            return self, None
        bound_ns = max(self.bound_until_ns or 0, now_ns + document.stay_ns)
        answer = WitnessPromised(
            node=document.node, segment=self.segment, witness=self.node, start=document.start, number=document.number
        )
        return replace(self.cancel(), bound_until_ns=bound_ns), answer

    def answer(self, document: WitnessPromised) -> tuple[Witness, Refusal | None]:
        """A promise has arrived; only one that answers an open question counts."""
        mine = document.segment == self.segment and document.start == self.start
        question = next((each for each in self.asked if mine and each.number == document.number), None)
        if question is None:
            return self, Refusal(RefusedBecause.STALE, f"{document.witness} answers a question that is over")
        if document.witness != question.witness:
            return self, Refusal(RefusedBecause.CONFLICT, f"{document.witness} was not asked")
        until_ns = max(self.promised_until_ns or 0, question.asked_ns + int(self.bound_ns * USABLE))
        return replace(self, promised_until_ns=until_ns), None

    def _bound(self, now_ns: int) -> bool:
        return self.bound_until_ns is not None and now_ns < self.bound_until_ns
