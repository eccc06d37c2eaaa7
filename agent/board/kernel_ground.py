# SPDX-License-Identifier: Apache-2.0
"""A real board: lines through the GPIO character device, buses through i2c-dev, chips through hwmon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.board.buses import open_kernel_buses
from agent.board.lines import open_kernel_lines
from agent.hardware.hwmon import KernelHwmon

if TYPE_CHECKING:
    from agent.board.options import Options
    from agent.hardware.i2c_bus import I2cBus
    from agent.service.line_store import LineStore


class KernelGround:
    """Implements Ground."""

    def __init__(self, options: Options, line_store: LineStore | None) -> None:
        """Requests the lines and starts their guard. Raises GpioError, LineError."""
        self._profile = options.profile
        self.lines = open_kernel_lines(options.profile, options.armed(), options.state_dir, line_store)
        self.world = None

    def buses(self) -> dict[str, I2cBus]:
        return open_kernel_buses(self._profile)

    def hwmon_port(self) -> KernelHwmon:
        return KernelHwmon()
