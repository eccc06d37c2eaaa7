# SPDX-License-Identifier: Apache-2.0
"""System boot options (IPMI 2.0 section 28.12): which parameters there are, and how long boot flags stay valid.

Flags for one boot lose their valid bit 60 s after they were set or after the last power command, unless parameter 3
forbids that for the wait before a power command. Persistent flags stay.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from ipmi.completion import Completion

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import ParameterStore
    from ipmi.dispatch import Answer

VALID_S: Final = 60.0
_VERSION = 0x01
_INVALID = 0x80
_FLAGS_VALID = 0x80
_FLAGS_PERSISTENT = 0x40
_KEEP_ON_TIMEOUT = 0x08


class Parameter(enum.IntEnum):
    SET_IN_PROGRESS = 0
    VALID_BIT_CLEARING = 3
    INFO_ACKNOWLEDGE = 4
    FLAGS = 5


class BootOptionCode(enum.IntEnum):
    UNSUPPORTED_PARAMETER = 0x80


_LENGTHS = {
    Parameter.SET_IN_PROGRESS: 1,
    Parameter.VALID_BIT_CLEARING: 1,
    Parameter.INFO_ACKNOWLEDGE: 2,
    Parameter.FLAGS: 5,
}


class BootOptions:
    """Parameters over a store of raw bytes; `clock` is monotonic, in seconds."""

    def __init__(self, store: ParameterStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._in_progress = 0
        self._marked_invalid: set[int] = set()
        self._valid_until: float | None = None
        self._limit_validity()

    def get(self, parameter: int) -> Answer:
        if parameter not in _LENGTHS:
            return BootOptionCode.UNSUPPORTED_PARAMETER
        mark = _INVALID if parameter in self._marked_invalid else 0
        return bytes((_VERSION, mark | parameter)) + self._value(Parameter(parameter))

    async def set(self, parameter: int, mark_invalid: bool, data: bytes) -> Answer:
        """Store a parameter. Without data only its mark changes."""
        if parameter not in _LENGTHS:
            return BootOptionCode.UNSUPPORTED_PARAMETER
        known = Parameter(parameter)
        if data and len(data) != _LENGTHS[known]:
            return Completion.LENGTH_INVALID
        if known is Parameter.SET_IN_PROGRESS and data and data[0] > 2:
            return Completion.INVALID_DATA
        if data:
            await self._keep(known, data)
        if mark_invalid:
            self._marked_invalid.add(known)
        else:
            self._marked_invalid.discard(known)
        return b""

    def power_commanded(self, *, starts_host: bool) -> None:
        """A chassis control command was accepted: the countdown begins anew, and flags for one boot are now used."""
        self._limit_validity(used=starts_host)

    async def _keep(self, parameter: Parameter, data: bytes) -> None:
        if parameter is Parameter.SET_IN_PROGRESS:
            self._in_progress = 1 if data[0] == 1 else 0
            return
        if parameter is Parameter.INFO_ACKNOWLEDGE:
            mask, old = data[0], self._value(parameter)[1]
            data = bytes((0, old & ~mask | data[1] & mask))
        await self._store.set(parameter, data)
        if parameter is Parameter.FLAGS:
            self._valid_until = None
        if parameter in (Parameter.FLAGS, Parameter.VALID_BIT_CLEARING):
            self._limit_validity()

    def _value(self, parameter: Parameter) -> bytes:
        if parameter is Parameter.SET_IN_PROGRESS:
            return bytes((self._in_progress,))
        length = _LENGTHS[parameter]
        stored = (self._store.get(parameter) or b"")[:length].ljust(length, b"\0")
        if parameter is Parameter.FLAGS and self._expired():
            return bytes((stored[0] & ~_FLAGS_VALID,)) + stored[1:]
        return stored

    def _limit_validity(self, *, used: bool = False) -> None:
        """Set the end of validity of the flags as they are stored now. What has expired stays so."""
        if self._expired():
            return
        flags = (self._store.get(Parameter.FLAGS) or b"\0")[0]
        clearing = (self._store.get(Parameter.VALID_BIT_CLEARING) or b"\0")[0]
        if flags & _FLAGS_PERSISTENT or not flags & _FLAGS_VALID or (clearing & _KEEP_ON_TIMEOUT and not used):
            self._valid_until = None
        else:
            self._valid_until = self._clock() + VALID_S

    def _expired(self) -> bool:
        return self._valid_until is not None and self._clock() >= self._valid_until
