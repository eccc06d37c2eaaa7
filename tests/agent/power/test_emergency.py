# SPDX-License-Identifier: Apache-2.0
"""In which order an emergency's rules are fired; what they do to lines is shown on boards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from agent.board.emergency_rules import emergency_rules
from agent.power.emergency import PREFIX, EmergencyOff
from agent.power.request import Action, Request
from agent.profile.load import find_profile, load_profile

if TYPE_CHECKING:
    from native import LineEngine


class Orders:
    """Stands for the engine; remembers."""

    def __init__(self) -> None:
        self.fired: list[str] = []

    def fire(self, rule: str) -> None:
        self.fired.append(rule.removeprefix(PREFIX))


def test_buttons_are_pressed_before_the_rail_under_them_goes() -> None:
    async def story() -> None:
        orders, rules = Orders(), emergency_rules(load_profile(find_profile("chassis-4-node")))
        emergency = EmergencyOff(cast("LineEngine", orders), rules, {}, {})
        emergency.fire(["main", "3", "1", "0", "2"], Request(Action.FORCE_OFF, "test"))
        assert orders.fired == ["0", "1", "2", "3", "main"]

    asyncio.run(story())
