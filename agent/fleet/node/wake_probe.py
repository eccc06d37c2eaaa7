# SPDX-License-Identifier: Apache-2.0
"""Asks ethtool about this machine's network cards, and arms those that can be woken and are not armed.

Blocks for seconds at most: use it on a thread of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.node.command import printed
from agent.fleet.node.wake_ability import (
    Card,
    WakeAbility,
    arm_command,
    judge,
    parse,
    physical_cards,
    probe_command,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.fleet.node.command import Run


@dataclass(frozen=True, slots=True)
class WakeProbe:
    """`wanted`: this card only; empty = any."""

    wanted: str = ""
    run: Run = printed
    cards: Callable[[], tuple[tuple[str, str], ...]] = physical_cards
    secure_on: bytes = field(default=b"", repr=False)
    """The password behind the packets of the segment."""

    def look(self) -> WakeAbility:
        """What is proven now."""
        return judge([self._card(name, mac) for name, mac in self.cards()], self.wanted, self.secure_on)

    def _card(self, name: str, mac: str) -> Card:
        card = self._probe(name, mac)
        arm = arm_command(card) if self.wanted in ("", name) else None
        if arm is None:
            return card
        self.run(arm)
        return self._probe(name, mac)  # what was asked for is believed when it is read

    def _probe(self, name: str, mac: str) -> Card:
        told = self.run(probe_command(name))
        return Card(name, mac=mac, answered=False) if told is None else parse(told, name, mac)
