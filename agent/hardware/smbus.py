# SPDX-License-Identifier: Apache-2.0
"""SMBus access: the small interface that device drivers use, and the kernel's adapters behind it (smbus2)."""

from __future__ import annotations

import errno
from typing import Protocol

import smbus2


class SmbusPort(Protocol):
    """One bus. Calls block; use them on the bus's own thread. All raise OSError as the kernel does."""

    def read_byte_data(self, address: int, command: int) -> int: ...

    def read_word_data(self, address: int, command: int) -> int:
        """Low byte first, as SMBus sends it."""
        ...

    def write_byte_data(self, address: int, command: int, value: int) -> None: ...

    def read_block_data(self, address: int, command: int) -> bytes: ...

    def close(self) -> None: ...


class BusError(Exception):
    """A bus cannot be opened; one sentence that names it and the cure."""


class LinuxSmbus:
    """An adapter of the kernel, /dev/i2c-N. Never forces an address that a kernel driver owns (safety rule 15)."""

    def __init__(self, number: int) -> None:
        device = f"/dev/i2c-{number}"
        try:
            self._bus = smbus2.SMBus(number)
        except PermissionError as error:
            raise BusError(f"no permission for {device}: add this user to the group i2c, or run as root") from error
        except FileNotFoundError as error:
            raise BusError(
                f"{device} is not there: enable I2C (Raspberry Pi: dtparam=i2c_arm=on) and load i2c-dev"
            ) from error
        except OSError as error:
            raise BusError(f"{device} cannot be opened: {error.strerror or error}") from error

    def read_byte_data(self, address: int, command: int) -> int:
        return int(self._bus.read_byte_data(address, command))

    def read_word_data(self, address: int, command: int) -> int:
        return int(self._bus.read_word_data(address, command))

    def write_byte_data(self, address: int, command: int, value: int) -> None:
        self._bus.write_byte_data(address, command, value)

    def read_block_data(self, address: int, command: int) -> bytes:
        return bytes(self._bus.read_block_data(address, command))

    def close(self) -> None:
        self._bus.close()


NOBODY_ANSWERED = {errno.ENXIO, errno.EREMOTEIO, errno.ENODEV}
"""What adapters say when an address is not acknowledged."""

NO_SUCH_REGISTER = NOBODY_ANSWERED | {errno.EOPNOTSUPP, errno.EINVAL, errno.EPROTO, errno.EBADMSG}
"""What they say when a device that answers otherwise refuses a command, or answers it with nonsense."""


def nobody_answered(error: OSError) -> bool:
    """Whether the device did not acknowledge its address (it is not there), rather than the bus being in trouble."""
    return error.errno in NOBODY_ANSWERED


def no_such_register(error: OSError) -> bool:
    """Whether a device that is there does not have this register, or the adapter cannot ask for it."""
    return error.errno in NO_SUCH_REGISTER
