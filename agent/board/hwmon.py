# SPDX-License-Identifier: Apache-2.0
"""Opens the hwmon chips that a profile names, one thread each: a chip on a slow bus delays no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.hardware.hwmon import HwmonChip
from agent.hardware.port_thread import PortThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.hardware.hwmon import HwmonPort
    from agent.profile.schema import Profile


def open_hwmon(profile: Profile, port: Callable[[], HwmonPort]) -> dict[HwmonChip, PortThread[HwmonPort]]:
    """`port` makes the access of one thread: the kernel's, or the simulated plant's. Looks at no chip yet."""
    chips = {HwmonChip(table.chip, table.device) for table in profile.sensors if table.adapter == "hwmon"}
    chips |= {HwmonChip(table.chip, table.device) for table in profile.fans}
    return {
        chip: PortThread(f"pgood-hwmon-{chip.name}", port(), f"chip {chip} does not answer the kernel")
        for chip in sorted(chips, key=str)
    }
