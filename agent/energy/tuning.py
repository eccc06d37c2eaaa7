# SPDX-License-Identifier: Apache-2.0
"""How busy the machine is, and what its processors are tuned to because of it; used where `energy.tuning` is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.energy.frequency.boost import Boost, BoostRefused
    from agent.energy.frequency.tuner import Tuner
    from agent.energy.frequency.workload import Workload
    from agent.energy.meters.load_model import Utilisation

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Tuned:
    """`utilisation` is 0 to 1; `optimal_ghz` is where work costs the least energy, and `optimal_w` what is drawn there.

    By what was measured; None = not known yet.
    """

    workload: Workload
    utilisation: float | None
    boost_left_s: float | None
    optimal_ghz: float | None
    optimal_w: float | None


class Tuning:
    """Used on the actuator's thread."""

    def __init__(self, tuner: Tuner, utilisation: Utilisation) -> None:
        self._tuner = tuner
        self._utilisation = utilisation

    def step(self, now_ns: int, node_w: float | None, spare_w: float | None) -> Tuned:
        """Once per look. `spare_w` is what cap and supplies leave now; None = not known."""
        share, now_s = self._utilisation.read(), now_ns / NS_PER_S
        if share is not None:
            self._tuner.step(now_s, share, node_w, spare_w)
        boost = self._tuner.boost
        left_s = None if boost is None else max(boost.until_s - now_s, 0.0)
        curve = self._tuner.points.curve()
        optimal_ghz = None if curve is None else curve.optimal_ghz
        optimal_w = None if curve is None or optimal_ghz is None else curve.watts(optimal_ghz)
        return Tuned(self._tuner.workload, share, left_s, optimal_ghz, optimal_w)

    def boost(self, seconds: float, extra_w: float, spare_w: float | None, now_ns: int) -> Boost | BoostRefused:
        return self._tuner.ask_boost(seconds, extra_w, spare_w, now_ns / NS_PER_S)
