# SPDX-License-Identifier: Apache-2.0
"""From a file's fault to an actuator's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.actuators.interface import Answer, Applied
from agent.energy.sysfs import Fault

if TYPE_CHECKING:
    from agent.energy.sysfs import Failed

ANSWERS = {Fault.ABSENT: Answer.ABSENT, Fault.FORBIDDEN: Answer.FORBIDDEN, Fault.REFUSED: Answer.REFUSED}


def not_applied(wanted_w: float, failed: Failed) -> Applied:
    """Nothing is known to be in force."""
    return Applied(ANSWERS[failed.fault], wanted_w, None, failed.reason)


def not_a_cap(cap_w: float) -> Applied:
    """For zero, negative, infinite and NaN."""
    return Applied(Answer.REFUSED, cap_w, None, f"a cap of {cap_w} W is none")
