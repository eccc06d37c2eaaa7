# SPDX-License-Identifier: Apache-2.0
"""A port in front of plain tables of registers that remembers what was asked, for tests of the driver."""

from __future__ import annotations

import errno
import os
from collections import Counter

from agent.hardware.pmbus.registers import BYTE_WIDE, Register


def nobody() -> OSError:
    return OSError(errno.ENXIO, os.strerror(errno.ENXIO))


class RegistersPort:
    """Implements agent.hardware.smbus.SmbusPort for one address."""

    can_pec = True
    can_process_call = True

    def __init__(self, words: dict[int, int], blocks: dict[int, bytes] | None = None) -> None:
        """`words` holds bytes and words by register; every other register is refused."""
        self.words = {Register.STATUS_WORD: 0} | words
        self.blocks = dict(blocks or {})
        self.coefficients: dict[int, bytes] = {}
        self.asked: Counter[int] = Counter()
        self.with_pec: Counter[bool] = Counter()
        self.written: list[tuple[int, int]] = []
        self.failures: list[OSError] = []
        """Errors of the next transactions, first one first."""
        self.fails_at: tuple[int, OSError] | None = None
        """So many transactions from now, one error."""
        self.pec_works = True

    def _asked(self, command: int) -> None:
        self.asked[command] += 1
        if self.failures:
            raise self.failures.pop(0)
        if self.fails_at is not None:
            left, error = self.fails_at
            self.fails_at = (left - 1, error) if left else None
            if not left:
                raise error

    def _word(self, command: int, pec: bool) -> int:
        self.with_pec[pec] += 1
        self._asked(command)
        if pec and not self.pec_works:
            raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
        if command not in self.words:
            raise nobody()
        return self.words[command]

    def read_byte(self, address: int) -> int:
        return 0

    def read_byte_data(self, address: int, command: int, pec: bool = False) -> int:
        assert command in BYTE_WIDE
        return self._word(command, pec)

    def read_word_data(self, address: int, command: int, pec: bool = False) -> int:
        assert command not in BYTE_WIDE
        return self._word(command, pec)

    def write_byte_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        self.written.append((command, value))
        self.words[command] = value

    def write_word_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        self.write_byte_data(address, command, value, pec)

    def read_block_data(self, address: int, command: int, pec: bool = False) -> bytes:
        self._asked(command)
        if command not in self.blocks:
            raise nobody()
        return self.blocks[command]

    def block_process_call(self, address: int, command: int, data: bytes, pec: bool = False) -> bytes:
        self._asked(command)
        if command != Register.COEFFICIENTS or data[0] not in self.coefficients:
            raise nobody()
        return self.coefficients[data[0]]

    def close(self) -> None:
        """Nothing to give back."""
