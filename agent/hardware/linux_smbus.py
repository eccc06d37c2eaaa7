# SPDX-License-Identifier: Apache-2.0
"""The kernel's I2C adapters, /dev/i2c-N: by SMBus calls, and by raw transfers where an adapter lacks block reads.

The Raspberry Pi's own adapter has no SMBus block read: there the block is one transfer of the command and, after a
repeated start, a length byte, 32 data bytes and perhaps a PEC, cut to its length and checked here.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING, Any, Protocol

import smbus2

from agent.hardware.pmbus.pec import read_pec
from agent.hardware.smbus import BusError

if TYPE_CHECKING:
    from collections.abc import Callable

I2C_SLAVE = 0x0703
MAX_BLOCK = 32

FUNC_I2C = 0x0000_0001
FUNC_PEC = 0x0000_0008
FUNC_BLOCK_PROCESS_CALL = 0x0000_8000
FUNC_READ_BLOCK_DATA = 0x0100_0000


class Adapter(Protocol):
    """What is used of smbus2.SMBus."""

    fd: int | None
    funcs: int
    pec: int

    def read_byte(self, i2c_addr: int) -> int: ...
    def read_byte_data(self, i2c_addr: int, register: int) -> int: ...
    def read_word_data(self, i2c_addr: int, register: int) -> int: ...
    def read_block_data(self, i2c_addr: int, register: int) -> list[int]: ...
    def write_byte_data(self, i2c_addr: int, register: int, value: int) -> None: ...
    def write_word_data(self, i2c_addr: int, register: int, value: int) -> None: ...
    def block_process_call(self, i2c_addr: int, register: int, data: list[int]) -> list[int]: ...
    def i2c_rdwr(self, *i2c_msgs: smbus2.i2c_msg) -> None: ...
    def close(self) -> None: ...


class LinuxSmbus:
    """Implements agent.hardware.smbus.SmbusPort. Never forces an address that a kernel driver owns (safety rule 15)."""

    def __init__(self, number: int, open_adapter: Callable[[int], Any] = smbus2.SMBus) -> None:
        """Raises BusError."""
        device = f"/dev/i2c-{number}"
        try:
            self._bus: Adapter = open_adapter(number)
        except PermissionError as error:
            raise BusError(f"no permission for {device}: add this user to the group i2c, or run as root") from error
        except FileNotFoundError as error:
            raise BusError(
                f"{device} is not there: enable I2C (Raspberry Pi: dtparam=i2c_arm=on) and load i2c-dev"
            ) from error
        except OSError as error:
            raise BusError(f"{device} cannot be opened: {error.strerror or error}") from error
        functions = int(self._bus.funcs)
        self.can_pec = bool(functions & FUNC_PEC)
        self._raw = bool(functions & FUNC_I2C)
        self._kernel_blocks = bool(functions & FUNC_READ_BLOCK_DATA)
        self._kernel_calls = bool(functions & FUNC_BLOCK_PROCESS_CALL)
        self.can_process_call = self._kernel_calls or self._raw
        self._pec = False

    def read_byte(self, address: int) -> int:
        self._set_pec(False)
        return int(self._bus.read_byte(address))

    def read_byte_data(self, address: int, command: int, pec: bool = False) -> int:
        self._set_pec(pec)
        return int(self._bus.read_byte_data(address, command))

    def read_word_data(self, address: int, command: int, pec: bool = False) -> int:
        self._set_pec(pec)
        return int(self._bus.read_word_data(address, command))

    def write_byte_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        self._set_pec(pec)
        self._bus.write_byte_data(address, command, value)

    def write_word_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        self._set_pec(pec)
        self._bus.write_word_data(address, command, value)

    def read_block_data(self, address: int, command: int, pec: bool = False) -> bytes:
        if self._kernel_blocks:
            self._set_pec(pec)
            return bytes(self._bus.read_block_data(address, command))
        return self._raw_block(address, bytes((command,)), pec)

    def block_process_call(self, address: int, command: int, data: bytes, pec: bool = False) -> bytes:
        if self._kernel_calls:
            self._set_pec(pec)
            return bytes(self._bus.block_process_call(address, command, list(data)))
        return self._raw_block(address, bytes((command, len(data))) + data, pec)

    def close(self) -> None:
        self._bus.close()

    def _set_pec(self, wanted: bool) -> None:
        if wanted != self._pec:
            self._bus.pec = wanted
            self._pec = wanted

    def _raw_block(self, address: int, sent: bytes, pec: bool) -> bytes:
        if not self._raw:
            raise _error(errno.EOPNOTSUPP)
        self._respect_owner(address)
        read = smbus2.i2c_msg.read(address, 1 + MAX_BLOCK + pec)
        self._bus.i2c_rdwr(smbus2.i2c_msg.write(address, sent), read)
        received = bytes(read)
        length = received[0]
        if not 1 <= length <= MAX_BLOCK:
            raise _error(errno.EPROTO)
        block = received[: 1 + length]
        if pec and received[1 + length] != read_pec(address, sent, block):
            raise _error(errno.EBADMSG)
        return block[1:]

    def _respect_owner(self, address: int) -> None:
        """A raw transfer would pass by a kernel driver; asking for the address first raises EBUSY, as it should."""
        if self._bus.fd is not None:
            fcntl.ioctl(self._bus.fd, I2C_SLAVE, address)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
