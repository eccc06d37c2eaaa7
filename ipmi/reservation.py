# SPDX-License-Identifier: Apache-2.0
"""Reservation ids of the SDR repository and of the SEL."""

from __future__ import annotations


class Reservation:
    """Shared by all clients until the records change: clients that read at the same time do not disturb each other."""

    def __init__(self) -> None:
        self._number = 1

    @property
    def current(self) -> bytes:
        return self._number.to_bytes(2, "little")

    def cancel(self) -> None:
        """The records have changed: ids given out so far are void."""
        self._number = self._number % 0xFFFF + 1

    def holds(self, given: bytes, *, needed: bool) -> bool:
        """Whether a request with id `given` may go on; 0 will do where no reservation is needed."""
        return given == self.current or (not needed and given == b"\0\0")
