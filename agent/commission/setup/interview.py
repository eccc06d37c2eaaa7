# SPDX-License-Identifier: Apache-2.0
"""Where an answer comes from: a flag, else the person at the terminal, else what is suggested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
YES = frozenset({"y", "yes"})
NO = frozenset({"n", "no"})


class SetupError(Exception):
    """Setup cannot go on; the text names what is wrong and the cure. Nothing was written unless it says so."""


class Person(Protocol):
    """The terminal."""

    def say(self, text: str = "") -> None: ...

    def ask(self, question: str) -> str:
        """One line, without its end."""
        ...

    def secret(self, question: str) -> str:
        """One line that is not shown while it is typed."""
        ...


class Interview:
    """Asks what no flag has said. Where nothing is to be asked, suggestions count, and what has none is missing."""

    def __init__(self, person: Person, *, asks: bool) -> None:
        self.asks = asks
        self._person = person

    def say(self, text: str = "") -> None:
        self._person.say(text)

    def answer(
        self, flag: str, given: str | None, question: str, suggestion: str | None, parse: Callable[[str], T]
    ) -> T:
        """`parse` raises ValueError with a sentence. Raises SetupError for a wrong flag, or one that is missing."""
        if given is None and not self.asks:
            if suggestion is None:
                raise SetupError(f"{flag} is missing: {question}? Nothing is asked with --no-input")
            given = suggestion
        if given is not None:
            try:
                return parse(given)
            except ValueError as error:
                raise SetupError(f"{flag}: {error}") from error
        shown = f" [{suggestion}]" if suggestion else ""
        while True:
            typed = self._person.ask(f"{question}{shown}:") or suggestion or ""
            try:
                return parse(typed)
            except ValueError as error:
                self._person.say(f"  {error}")

    def agrees(self, question: str, *, suggestion: bool) -> bool:
        """A yes or a no; the suggestion where nothing is asked."""
        if not self.asks:
            return suggestion
        shown = "Y/n" if suggestion else "y/N"
        while True:
            typed = self._person.ask(f"{question} [{shown}]").lower()
            if not typed:
                return suggestion
            if typed in YES | NO:
                return typed in YES
            self._person.say("  Please answer yes or no.")

    def new_secret(self, question: str, parse: Callable[[str], T]) -> T:
        """Something typed twice without being shown, or nothing, once. For a person only."""
        while True:
            first = self._person.secret(f"{question}:")
            try:
                value = parse(first)
            except ValueError as error:
                self._person.say(f"  {error}")
                continue
            if not first or self._person.secret("Once more:") == first:
                return value
            self._person.say("  The two differ.")


def printable(text: str) -> str:
    """What a device or a file says about itself, safe to show on a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)[:80]
