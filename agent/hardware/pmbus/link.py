# SPDX-License-Identifier: Apache-2.0
"""Transactions with one supply: the rest between them, bounded retries, packet error codes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from agent.hardware.pmbus.quirks import DEFAULT
from agent.hardware.smbus import bus_in_trouble, owned_by_kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.hardware.smbus import SmbusPort

T = TypeVar("T")

TRIES = 3


class Link:
    """Blocking: used on the bus's thread only. Methods raise OSError after bounded tries."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.gap_s = DEFAULT.gap_us / 1e6
        self.pec = False
        self.errors = 0
        """Transactions that had to be repeated since this was made: a rising count is a trend."""
        self._free_at = 0.0

    def byte(self, port: SmbusPort, command: int, tries: int = TRIES) -> int:
        return self._try(lambda: port.read_byte_data(self.address, command, self.pec), tries)

    def word(self, port: SmbusPort, command: int, tries: int = TRIES) -> int:
        return self._try(lambda: port.read_word_data(self.address, command, self.pec), tries)

    def block(self, port: SmbusPort, command: int, tries: int = TRIES) -> bytes:
        return self._try(lambda: port.read_block_data(self.address, command, self.pec), tries)

    def process_call(self, port: SmbusPort, command: int, data: bytes) -> bytes:
        return self._try(lambda: port.block_process_call(self.address, command, data, self.pec), 1)

    def write_byte(self, port: SmbusPort, command: int, value: int) -> None:
        self._try(lambda: port.write_byte_data(self.address, command, value, self.pec), TRIES)

    def write_word(self, port: SmbusPort, command: int, value: int) -> None:
        self._try(lambda: port.write_word_data(self.address, command, value, self.pec), TRIES)

    def _try(self, work: Callable[[], T], tries: int) -> T:
        attempt = 1
        while True:
            rest_s = self._free_at - time.monotonic()
            if rest_s > 0:
                time.sleep(rest_s)
            try:
                return work()
            except OSError as error:
                if attempt >= tries or bus_in_trouble(error) or owned_by_kernel(error):
                    raise
                attempt += 1
                self.errors += 1
            finally:
                self._free_at = time.monotonic() + self.gap_s
