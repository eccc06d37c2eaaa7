# SPDX-License-Identifier: Apache-2.0
"""Power of a Raspberry Pi 5, from what its power management chip measures on its rails.

The rails leave out the converters' losses and what hangs on 5 V: the sum is corrected by a fit that was published for
one board, and so marked as estimated. Older boards measure no current.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.energy.meters.interface import NoReading, Quantity, Reading
from agent.energy.meters.pi_throttling import run

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = ("vcgencmd", "pmic_read_adc")
ROW = re.compile(r"([A-Z0-9_]{1,32})_([AV]) (?:current|volt)\([0-9]+\)=([0-9]{1,4}\.[0-9]{1,12})[AV]")
FACTOR, BASE_W = 1.1451, 0.5879


def rails_w(said: str) -> float | None:
    """Volts times amperes, summed over the rails that tell both; None where none does."""
    amperes: dict[str, float] = {}
    volts: dict[str, float] = {}
    for line in said.splitlines():
        found = ROW.fullmatch(line.strip())
        if found is not None:
            (amperes if found.group(2) == "A" else volts)[found.group(1)] = float(found.group(3))
    both = amperes.keys() & volts.keys()
    return sum(amperes[rail] * volts[rail] for rail in both) if both else None


class PiPmic:
    """Implements Meter."""

    name = "Raspberry Pi PMIC"
    quantity = Quantity.NODE_W

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command

    def read(self, now_ns: int) -> Reading | NoReading:
        said = run(self._command)
        watts = None if said is None else rails_w(said)
        if watts is None:
            return NoReading(
                self.name, f"{' '.join(self._command)} tells no rails; only a Raspberry Pi 5 measures them"
            )
        return Reading(self.quantity, watts * FACTOR + BASE_W, self.name, True, now_ns)
