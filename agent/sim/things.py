# SPDX-License-Identifier: Apache-2.0
"""Parts and numbers of the simulated world as people name them: looked up and checked, with words that help."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
E = TypeVar("E", bound=enum.Enum)

MAX_SPAN_MS = 3_600_000.0


class UnknownThing(LookupError):
    """The plant has no such part; the text names it and what there is."""


def find(things: Mapping[str, T], kind: str, name: str) -> T:
    """The part of this name. Raises UnknownThing."""
    if name not in things:
        raise UnknownThing(f"this board has no {kind} {name!r}; it has: {', '.join(things) or 'none'}")
    return things[name]


def happening_of(happenings: type[E], word: str, kind: str, also: str = "") -> E:
    """The happening of this word; `also` names words that are taken elsewhere. Raises UnknownThing."""
    try:
        return happenings(word)
    except ValueError:
        known = ", ".join(str(one.value) for one in happenings)
        raise UnknownThing(f"a {kind} knows {known}{also} (not {word!r})") from None


def span_ms(span: float) -> int:
    """A time in milliseconds. Raises ValueError."""
    if not 1 <= span <= MAX_SPAN_MS:
        raise ValueError(f"a time is 1 to {MAX_SPAN_MS:g} ms (not {span:g})")
    return round(span)
