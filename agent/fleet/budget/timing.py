# SPDX-License-Identifier: Apache-2.0
"""How often a coordinator decides, and how long what it grants lasts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.fleet.budget.lease import LEASE_NS, SETTLE_NS
from agent.fleet.bus import SECOND_NS

REPORT_S = 3.0
"""How often every node reports, whatever the coordinator's cycle is."""
SILENT_AFTER = 3
"""A node is silent when so many reports, or cycles, have passed without one."""
LEAD_S = 10.0
"""How long the others wait for a leader that is gone."""
BEAT_S = 3.0
"""The lead is renewed so often, however long a cycle is."""
RENEW = 0.8
"""A lease with less left than this part is renewed."""
DEFAULT_LEASE_S = LEASE_NS / SECOND_NS


@dataclass(frozen=True, slots=True)
class Timing:
    """`lease_s` must be the same for all coordinators of a domain and for its nodes."""

    cycle_s: float = 3.0
    lease_s: float = DEFAULT_LEASE_S

    @property
    def silent_s(self) -> float:
        return SILENT_AFTER * max(self.cycle_s, REPORT_S)

    @property
    def least_lease_s(self) -> float:
        """No lease may end before its node is silent, nor while another coordinator takes over and is answered."""
        settle_s = SETTLE_NS / SECOND_NS
        take_over_s = LEAD_S + 2 * BEAT_S + settle_s + self.cycle_s
        return math.ceil(max(self.silent_s + settle_s, take_over_s / RENEW))

    @property
    def cycle_ns(self) -> int:
        return round(self.cycle_s * SECOND_NS)

    @property
    def lease_ns(self) -> int:
        return round(self.lease_s * SECOND_NS)

    @property
    def silent_ns(self) -> int:
        return round(self.silent_s * SECOND_NS)
