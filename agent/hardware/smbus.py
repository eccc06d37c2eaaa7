# SPDX-License-Identifier: Apache-2.0
"""SMBus access: the small interface that device drivers use, and what its errors mean."""

from __future__ import annotations

import errno
from typing import Protocol


class SmbusPort(Protocol):
    """One bus. Calls block; use them on the bus's own thread. All raise OSError as the kernel does.

    `pec` asks for a packet error code with this transaction; a wrong one is OSError(EBADMSG).
    """

    @property
    def can_pec(self) -> bool: ...

    @property
    def can_process_call(self) -> bool:
        """Whether `block_process_call` works on this adapter."""
        ...

    def read_byte(self, address: int) -> int:
        """One byte without a command: the gentlest way to ask who is there."""
        ...

    def read_byte_data(self, address: int, command: int, pec: bool = False) -> int: ...

    def read_word_data(self, address: int, command: int, pec: bool = False) -> int:
        """Low byte first, as SMBus sends it."""
        ...

    def write_byte_data(self, address: int, command: int, value: int, pec: bool = False) -> None: ...

    def write_word_data(self, address: int, command: int, value: int, pec: bool = False) -> None: ...

    def read_block_data(self, address: int, command: int, pec: bool = False) -> bytes: ...

    def block_process_call(self, address: int, command: int, data: bytes, pec: bool = False) -> bytes: ...

    def close(self) -> None: ...


class BusError(Exception):
    """A bus cannot be opened; one sentence that names it and the cure."""


NOBODY_ANSWERED = {errno.ENXIO, errno.EREMOTEIO, errno.ENODEV}
"""What adapters say when an address is not acknowledged."""

NO_SUCH_REGISTER = NOBODY_ANSWERED | {errno.EOPNOTSUPP, errno.EINVAL, errno.EPROTO}
"""What they say when a device that answers otherwise refuses a command, or answers it with nonsense."""

BUS_TROUBLE = {errno.ETIMEDOUT, errno.EAGAIN}
"""A line held low or a lost arbitration: asking again at once only costs another timeout."""


def nobody_answered(error: OSError) -> bool:
    """Whether the device did not acknowledge its address (it is not there), rather than the bus being in trouble."""
    return error.errno in NOBODY_ANSWERED


def no_such_register(error: OSError) -> bool:
    """Whether a device that is there does not have this register, or the adapter cannot ask for it."""
    return error.errno in NO_SUCH_REGISTER


def bus_in_trouble(error: OSError) -> bool:
    """Whether the bus itself is stuck: nothing is known about any device then."""
    return isinstance(error, TimeoutError) or error.errno in BUS_TROUBLE


def owned_by_kernel(error: OSError) -> bool:
    """Whether a kernel driver has the address; it is never taken from it (safety rule 15)."""
    return error.errno == errno.EBUSY
