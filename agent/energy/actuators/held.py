# SPDX-License-Identifier: Apache-2.0
"""An actuator that is given back as it was found: at the end, and by the successor of an agent that was killed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from agent.energy.actuators.faults import not_a_cap
from agent.energy.actuators.interface import Answer, Applied

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.actuators.interface import CapActuator
    from agent.energy.restore_file import RestoreFile

log = logging.getLogger(__name__)

T = TypeVar("T")

GIVEN_BACK = frozenset({Answer.DONE, Answer.ABSENT})
"""What is not there any more needs nothing put back."""


class Held:
    """Nothing is written before the restore file says how it was. Used on the actuator's thread.

    What could not be put back stays in the file, and wins over what is found later: else a cap of ours would be
    taken for the machine's own limit.
    """

    def __init__(self, actuator: CapActuator, file: RestoreFile, *, outlives_boot: bool = False) -> None:
        """`outlives_boot`: what it changes is still changed after a reboot of this computer."""
        self.actuator = actuator
        self._file = file
        self._outlives_boot = outlives_boot

    @property
    def name(self) -> str:
        return self.actuator.name

    def range_w(self) -> tuple[float, float] | None:
        return self.actuator.range_w()

    def recover(self) -> tuple[Applied, ...]:
        """Put back what an agent before this one left; call once at start. Nothing left = nothing done."""
        return self._give_back()

    def apply(self, cap_w: float) -> Applied:
        """Save first what is not saved yet; then the cap, within the actuator's own range."""
        limits = self.range_w()
        allowed_w = cap_w if limits is None else min(max(cap_w, limits[0]), limits[1])
        if not allowed_w > 0 or allowed_w == float("inf"):
            return not_a_cap(cap_w)
        refused = self._hold(cap_w)
        if refused is not None:
            return refused
        applied = self.actuator.apply(allowed_w)
        if allowed_w != cap_w and limits is not None:
            why = f"{self.name} takes {limits[0]:g} to {limits[1]:g} W"
            answer = Answer.CLAMPED if applied.answer is Answer.DONE else applied.answer
            return replace(applied, answer=answer, wanted_w=cap_w, reason=applied.reason or why)
        return applied

    def change(self, work: Callable[[], T]) -> T | Applied:
        """Something else that the same `restore` puts back, such as a governor; an answer where it cannot be saved."""
        refused = self._hold(0.0)
        return work() if refused is None else refused

    def close(self) -> tuple[Applied, ...]:
        """Put everything back. Idempotent; what fails is tried again by the next agent."""
        return self._give_back()

    def _hold(self, cap_w: float) -> Applied | None:
        """What comes up later, such as a limit that could not be read before, is saved when it does."""
        saved = self._file.left(self.name)
        found = self.actuator.save()
        if found.keys() <= saved.keys():
            return None
        try:
            self._file.keep(self.name, {**found, **saved}, outlives_boot=self._outlives_boot)
        except OSError as error:
            why = f"{self._file.file} cannot be written ({error}); without it no limit is changed"
            return Applied(Answer.FORBIDDEN, cap_w, None, why)
        return None

    def _give_back(self) -> tuple[Applied, ...]:
        values = self._file.left(self.name)
        if not values:
            return ()
        answers = self.actuator.restore(values)
        for answer in answers:
            if answer.answer not in GIVEN_BACK:
                log.error("%s is not as it was found: %s", self.name, answer.reason)
        if all(answer.answer in GIVEN_BACK for answer in answers):
            self._forget()
        return answers

    def _forget(self) -> None:
        try:
            self._file.forget(self.name)
        except OSError as error:
            log.error("%s: %s", self._file.file, error)
