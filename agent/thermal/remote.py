# SPDX-License-Identifier: Apache-2.0
"""What thermal zones need from BMCs of other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agent.thermal.reading import SensorReading


class RemoteSensors(Protocol):
    """Implemented by whoever polls remote BMCs. Called on the loop's thread; answers at once from the last poll."""

    def reading(self, bmc: str, sensor: str) -> SensorReading:
        """The last reading of a sensor by the BMC's own name for it; unavailable with a reason for unknown names.

        `mono_ns` is when the BMC was asked: a reading that stays the same without a new poll grows stale.
        """
        ...
