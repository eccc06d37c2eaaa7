# SPDX-License-Identifier: Apache-2.0
"""What a board stands on: the kernel's lines, buses and chips, or a simulated plant. Only one of them is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agent.board.lines import BoardLines
    from agent.board.options import Options
    from agent.hardware.hwmon import HwmonPort
    from agent.hardware.i2c_bus import I2cBus
    from agent.service.line_store import LineStore
    from agent.sim.world import SimulatedWorld


class Ground(Protocol):
    """Opened before the agent has threads. Whoever asks for lines or buses closes them."""

    @property
    def lines(self) -> BoardLines:
        """Requested already."""
        ...

    @property
    def world(self) -> SimulatedWorld | None:
        """None on a real board."""
        ...

    def buses(self) -> dict[str, I2cBus]:
        """One thread each. Raises BusError."""
        ...

    def hwmon_port(self) -> HwmonPort:
        """The access of one thread to hwmon chips."""
        ...


def open_ground(options: Options, line_store: LineStore | None = None) -> Ground:
    """What the profile asks for. Raises GpioError, LineError, WorldError.

    `line_store`: who keeps maintained outputs between two agents, besides the guard.
    """
    if options.profile.board.simulated:
        from agent.board.simulated_ground import SimulatedGround

        return SimulatedGround(options)
    from agent.board.kernel_ground import KernelGround

    return KernelGround(options, line_store)
