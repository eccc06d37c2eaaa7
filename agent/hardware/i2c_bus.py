# SPDX-License-Identifier: Apache-2.0
"""One thread per I2C bus: everything that touches the bus runs there, in turn, with a deadline for who waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.hardware.port_thread import PortThread

if TYPE_CHECKING:
    from agent.hardware.smbus import SmbusPort

STUCK = "the bus is stuck"


class I2cBus(PortThread["SmbusPort"]):
    """A named bus with its own thread. `call` is for the loop's thread."""

    def __init__(self, name: str, port: SmbusPort) -> None:
        super().__init__(f"pgood-i2c-{name}", port, STUCK)
        self.name = name

    def close(self) -> None:
        super().close()
        self._port.close()
