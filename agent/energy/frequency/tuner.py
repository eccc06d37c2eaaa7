# SPDX-License-Identifier: Apache-2.0
"""Governor, preference and boost after the kind of work that there is; beside the cap, and given back with it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agent.energy.actuators.interface import Applied
from agent.energy.frequency.boost import Boost, BoostRefused, ask, still
from agent.energy.frequency.curve_points import CurvePoints
from agent.energy.frequency.workload import WISHES, Levels, WorkloadState, step
from agent.energy.sysfs import Failed, Fault

if TYPE_CHECKING:
    from agent.energy.actuators.cpufreq import Cpufreq
    from agent.energy.actuators.held import Held
    from agent.energy.frequency.governor import Wish
    from agent.energy.frequency.workload import Workload

log = logging.getLogger(__name__)


class Tuner:
    """Used on the actuator's thread. What fails is logged once and not tried again until the wish changes."""

    def __init__(self, cpufreq: Cpufreq, held: Held, levels: Levels | None = None) -> None:
        """`held` holds the same actuator: nothing is changed before it is saved."""
        self._cpufreq = cpufreq
        self._held = held
        self._levels = levels or Levels()
        self._state = WorkloadState()
        self._wish: Wish | None = None
        self._boost: Boost | None = None
        self._boost_found: bool | None = None
        self.points = CurvePoints()

    @property
    def workload(self) -> Workload:
        return self._state.workload

    @property
    def boost(self) -> Boost | None:
        """The boost that is granted now."""
        return self._boost

    def step(self, now_s: float, utilisation: float, node_w: float | None, spare_w: float | None) -> None:
        """Once per reading. `now_s` is monotonic; `spare_w` is what cap and supplies leave now."""
        self._state = step(self._state, utilisation, now_s, self._levels)
        wish = WISHES[self._state.workload]
        if wish is not self._wish:
            self._wish = wish
            answer = self._held.change(lambda: self._cpufreq.wish(wish))
            for failed in (answer,) if isinstance(answer, Applied) else answer:
                log.warning("governor for %s work: %s", self._state.workload.value, failed.reason)
        if self._boost is not None and still(self._boost, spare_w, now_s) is None:
            self._end_boost()
        ghz = self._cpufreq.now_ghz()
        if ghz is not None and node_w is not None:
            self.points.add(ghz, node_w, utilisation)

    def ask_boost(self, duration_s: float, extra_w: float, spare_w: float | None, now_s: float) -> Boost | BoostRefused:
        """Allow boost for a while. One that runs is replaced."""
        granted = ask(duration_s, extra_w, spare_w, now_s)
        if isinstance(granted, BoostRefused):
            return granted
        if self._boost is None:
            self._boost_found = self._cpufreq.boost_allowed()
        failed = self._allow(True)
        if failed is not None:
            return BoostRefused(failed.reason)
        self._boost = granted
        return granted

    def _end_boost(self) -> None:
        """As it was before; tried again at the next step where it fails."""
        if self._boost_found is False:
            failed = self._allow(False)
            if failed is not None:
                log.warning("boost goes on: %s", failed.reason)
                return
        self._boost = None

    def _allow(self, allowed: bool) -> Failed | None:
        answer = self._held.change(lambda: self._cpufreq.boost(allowed))
        return Failed(Fault.FORBIDDEN, answer.reason) if isinstance(answer, Applied) else answer
