# SPDX-License-Identifier: Apache-2.0
"""Actuator `none`: caps nothing. For seeing what the policies would do before they may do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.actuators.interface import Answer, Applied
from agent.energy.restore_file import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoActuator:
    """Implements CapActuator."""

    name = "none"

    def range_w(self) -> tuple[float, float] | None:
        return None

    def save(self) -> Mapping[str, str]:
        return NOTHING

    def apply(self, cap_w: float) -> Applied:
        return Applied(Answer.DONE, cap_w, None, "actuator none: nothing is capped")

    def restore(self, saved: Mapping[str, str]) -> tuple[Applied, ...]:
        return ()
