# SPDX-License-Identifier: Apache-2.0
"""One look at one supply, on the bus's thread: a cheap one while nothing changes, a full one when it is due."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.hardware.hwmon_supply import hwmon_of, read_hwmon
from agent.hardware.pmbus.readings import SupplyIdentity
from agent.hardware.pmbus.supply import PmbusSupply
from agent.hardware.smbus import bus_in_trouble, nobody_answered, owned_by_kernel
from agent.psu.slot import Poll

if TYPE_CHECKING:
    from pathlib import Path

    from agent.hardware.smbus import SmbusPort
    from agent.profile.schema import SupplyTable


class SupplyPoller:
    """Blocking: used on the bus's thread only, except `relearn`, which any thread may set."""

    def __init__(self, table: SupplyTable, bus_number: int | None, sys_root: Path) -> None:
        self.driver = PmbusSupply(table.address, table.gap_us, table.pec, table.pages)
        self.relearn = True
        """Another supply may be in the slot: who it is, is asked again at the next poll."""
        self._table = table
        self._bus_number = bus_number
        self._sys_root = sys_root
        self._last_status: object = None
        self._identity: SupplyIdentity | None = None

    def poll(self, port: SmbusPort, full: bool) -> Poll | None:
        """None: the status is as it was at the last full poll. Raises OSError when the bus itself is in trouble."""
        try:
            if not full and not self.relearn and self.driver.status(port) == self._last_status:
                return None
            return self._full(port)
        except OSError as error:
            self._last_status = None
            if bus_in_trouble(error):
                raise
            if owned_by_kernel(error):
                return self._by_kernel(error)
            return Poll(absent=nobody_answered(error) and not self._eeprom_answers(port), error=_text(error))

    def _full(self, port: SmbusPort) -> Poll:
        if self.relearn or self._identity is None:
            self._identity = self.driver.identity(port)
            self.relearn = False
        readings = self.driver.readings(port)
        self._last_status = readings.status
        return Poll(readings, self._identity)

    def _eeprom_answers(self, port: SmbusPort) -> bool:
        """Whether the inventory memory beside the supply answers: then the supply is there and silent."""
        if self._table.eeprom is None:
            return False
        try:
            port.read_byte(self._table.eeprom)
        except OSError as error:
            if bus_in_trouble(error):
                raise
            return owned_by_kernel(error)
        return True

    def _by_kernel(self, error: OSError) -> Poll:
        folder = None if self._bus_number is None else hwmon_of(self._sys_root, self._bus_number, self._table.address)
        if folder is None:
            return Poll(error="a kernel driver owns its address and shows no readings")
        try:
            return Poll(read_hwmon(folder), SupplyIdentity())
        except OSError as failed:
            return Poll(error=_text(failed))


def _text(error: OSError) -> str:
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))
