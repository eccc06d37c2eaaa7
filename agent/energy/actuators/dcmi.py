# SPDX-License-Identifier: Apache-2.0
"""Actuator `dcmi`: the power limit of a machine that has a BMC of its own, over IPMI (DCMI 1.5 section 6.6).

The BMC measures the whole machine and slows it down; what it cannot keep it reports. A machine is never switched off
for exceeding a cap: our limits ask for no action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.actuators.faults import not_a_cap
from agent.energy.actuators.interface import Answer, Applied
from agent.energy.restore_file import NOTHING
from agent.hardware.remote_power_limit import LimitFault, NoLimit, RemoteLimit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.loop_call import LoopCall
    from agent.hardware.remote_power_limit import RemotePowerLimit

NO_ACTION = 0
CORRECTION_MS = 6000
SAMPLING_S = 1
"""For BMCs that tell none of their own."""
LIMITS_W = (1.0, 65_535.0)
"""The field has two bytes. What a BMC takes of that it only says by refusing."""
WITHIN_S = 130.0
"""Beyond every deadline of an adapter, so that it is the adapter that says what is wrong."""
KEYS = ("active", "watts", "action", "correction_ms", "sampling_s")
ANSWERS = {
    LimitFault.ABSENT: Answer.ABSENT,
    LimitFault.FORBIDDEN: Answer.FORBIDDEN,
    LimitFault.REFUSED: Answer.REFUSED,
}


class Dcmi:
    """Implements CapActuator. Blocks until the BMC answers, for as long as its adapter's `timeout_s` at most."""

    name = "dcmi"

    def __init__(self, remote: RemotePowerLimit, ask: LoopCall) -> None:
        self._remote = remote
        self._ask = ask
        self._found: RemoteLimit | None = None

    def range_w(self) -> tuple[float, float] | None:
        return None

    def save(self) -> Mapping[str, str]:
        limit = self._get()
        if isinstance(limit, NoLimit):
            return NOTHING
        self._found = self._found or limit
        return {key: str(int(getattr(limit, key))) for key in KEYS}

    def apply(self, cap_w: float) -> Applied:
        """Nothing is set before a `save` that succeeded: it could not be put back."""
        if not 0 < cap_w < float("inf"):
            return not_a_cap(cap_w)
        if self._found is None:
            limit = self._get()
            why = limit if isinstance(limit, NoLimit) else NoLimit(LimitFault.REFUSED, "its limit was not saved first")
            return self._failed(cap_w, why)
        watts = round(min(max(cap_w, LIMITS_W[0]), LIMITS_W[1]))
        correction_ms, sampling_s = self._found.correction_ms or CORRECTION_MS, self._found.sampling_s or SAMPLING_S
        answer = self._set(RemoteLimit(True, watts, NO_ACTION, correction_ms, sampling_s))
        if isinstance(answer, NoLimit):
            return self._failed(cap_w, answer)
        if answer.active and abs(answer.watts - cap_w) < 1:
            return Applied(Answer.DONE, cap_w, float(answer.watts))
        kept = f"{answer.watts} W" if answer.active else "no limit"
        in_force_w = float(answer.watts) if answer.active else None
        return Applied(Answer.CLAMPED, cap_w, in_force_w, f"the BMC keeps {kept} instead of {cap_w:g} W")

    def restore(self, saved: Mapping[str, str]) -> tuple[Applied, ...]:
        """The limit that was there, active or not, with the action that its owner chose."""
        if set(saved) != set(KEYS) or not all(text.isdecimal() and len(text) < 10 for text in saved.values()):
            return (Applied(Answer.REFUSED, 0.0, None, f"{dict(saved)} is no limit that was saved"),)
        active, watts, action, correction_ms, sampling_s = (int(saved[key]) for key in KEYS)
        if watts > LIMITS_W[1] or action > 0xFF or sampling_s > 0xFFFF:
            return (Applied(Answer.REFUSED, float(watts), None, f"{dict(saved)} is no limit that was saved"),)
        answer = self._set(RemoteLimit(bool(active), watts, action, correction_ms, sampling_s))
        if isinstance(answer, NoLimit):
            return (self._failed(float(watts), answer),)
        if answer.active == bool(active) and (not active or answer.watts == watts):
            return (Applied(Answer.DONE, float(watts), float(answer.watts) if active else None),)
        return (Applied(Answer.CLAMPED, float(watts), float(answer.watts), "the BMC keeps another limit than it had"),)

    def _get(self) -> RemoteLimit | NoLimit:
        try:
            return self._ask(self._remote.power_limit, WITHIN_S)
        except TimeoutError as error:
            return NoLimit(LimitFault.REFUSED, str(error))

    def _set(self, limit: RemoteLimit) -> RemoteLimit | NoLimit:
        try:
            return self._ask(lambda: self._remote.limit_power(limit), WITHIN_S)
        except TimeoutError as error:
            return NoLimit(LimitFault.REFUSED, str(error))

    def _failed(self, wanted_w: float, answer: NoLimit) -> Applied:
        return Applied(ANSWERS[answer.fault], wanted_w, None, answer.reason)
