# SPDX-License-Identifier: Apache-2.0
"""What is known of a plug by what was heard: pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from agent.hardware.adapters.interface import Level

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PlugState:
    """Every method returns the next state."""

    needs_availability: bool
    cut: str = "the broker has not been reached yet"
    """Why nothing can be heard; empty = connected."""
    available: bool | None = None
    level: Level = Level.UNKNOWN
    why: str = ""

    @property
    def connected(self) -> bool:
        return not self.cut

    def link_up(self) -> PlugState:
        """Subscribed. What a broker retains may have come before it said so, and counts."""
        return replace(self, cut="")

    def link_down(self, why: str) -> PlugState:
        return PlugState(self.needs_availability, cut=why)

    def heard(self, level: Level) -> PlugState:
        return replace(self, level=level, why="")

    def nonsense(self, why: str) -> PlugState:
        return replace(self, level=Level.UNKNOWN, why=why)

    def availability(self, here: bool, why: str) -> PlugState:
        """A plug that comes back may have changed meanwhile: what it was is forgotten."""
        if here and self.available is not False:
            return replace(self, available=True)
        return replace(self, available=here, level=Level.UNKNOWN, why="" if here else why)

    def sense(self, state_topic: str, availability_topic: str) -> tuple[Level, str]:
        """The level, and why it is unknown."""
        if not self.connected:
            return Level.UNKNOWN, self.cut
        if self.needs_availability and self.available is not True:
            why = f"the plug is away: {self.why}" if self.available is False else f"{availability_topic} says nothing"
            return Level.UNKNOWN, why
        if self.level is Level.UNKNOWN:
            return Level.UNKNOWN, self.why or f"{state_topic} has said nothing yet"
        return self.level, ""


def level_of(payload: bytes, key: str, words: Mapping[str, Level]) -> Level | None:
    """The level in a payload; None for a JSON object without the key, which tells of something else.

    Raises ValueError for what is neither on nor off.
    """
    try:
        text = payload.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError("is not text") from None
    if key:
        try:
            tree = msgspec.json.decode(payload)
        except msgspec.DecodeError:
            raise ValueError(f"is no JSON: {text[:40]!r}") from None
        if not isinstance(tree, dict):
            raise ValueError(f"is no JSON object: {text[:40]!r}")
        if key not in tree:
            return None
        text = str(tree[key])
    level = words.get(text)
    if level is None:
        known = " nor ".join(repr(word) for word in words)
        raise ValueError(f"says {text[:40]!r}, neither {known}")
    return level
