# SPDX-License-Identifier: Apache-2.0
"""A conversation with the person at the terminal: questions, and something to watch until Enter is pressed."""

from __future__ import annotations

import io
import select
import sys
from typing import TYPE_CHECKING

from agent.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

POLL_S = 0.1


class Terminal:
    """Standard input and output; both are read and written line by line."""

    lost = "nobody answers any more: the check is not complete"
    """What ends the conversation when the terminal is gone."""

    def __init__(self) -> None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # what is typed in another encoding is a wrong answer, no fault

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def ask(self, question: str) -> str:
        """The answer without its end of line. Raises Failure when there is nobody to answer."""
        print(f"{question} ", end="", flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise Failure(self.lost)
        return answer.strip()

    def choose(self, question: str, answers: Sequence[str]) -> str:
        """One of the answers, in lower case; asks until it is."""
        while (answer := self.ask(f"{question} [{'/'.join(answers)}]").lower()) not in answers:
            self.say(f"  Please answer with one of: {', '.join(answers)}.")
        return answer

    def until_enter(self, look: Callable[[], object]) -> None:
        """Look ten times a second until the person presses Enter. Raises Failure when there is nobody."""
        while not select.select([sys.stdin], [], [], POLL_S)[0]:
            look()
        if not sys.stdin.readline():
            raise Failure(self.lost)
