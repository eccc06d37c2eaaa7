# SPDX-License-Identifier: Apache-2.0
"""What one supply has: learned when it is plugged in, and never asked again for what it surely lacks."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, TypeVar

from agent.hardware.pmbus.formats import (
    Coefficients,
    VoutFormat,
    decode_coefficients,
    decode_direct,
    decode_linear11,
    decode_vout,
)
from agent.hardware.pmbus.link import TRIES
from agent.hardware.pmbus.quirks import DEFAULT, Pec, Quirks
from agent.hardware.pmbus.registers import Register
from agent.hardware.smbus import no_such_register

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.hardware.pmbus.link import Link
    from agent.hardware.smbus import SmbusPort

T = TypeVar("T")

PEC_SUPPORTED = 0x80
REFUSALS = 2
"""A register that was refused so often, while the supply answered otherwise, is not there."""


class Capability:
    """Reads registers of one supply that it may not have. Blocking: used on the bus's thread only."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.quirks = DEFAULT
        self._present: set[Register] = set()
        self._missing: set[Register] = set()
        self._coefficients: dict[Register, Coefficients | None] = {}
        self._vout_mode: int | None = None

    def forget(self) -> None:
        """Another supply may be in the slot."""
        self._present.clear()
        self._missing.clear()
        self._coefficients.clear()
        self._vout_mode = None
        self.adopt(DEFAULT)
        self._link.pec = False

    def adopt(self, quirks: Quirks) -> None:
        self.quirks = quirks
        self._missing |= quirks.absent
        self._link.gap_s = quirks.gap_us / 1e6

    def learn_pec(self, port: SmbusPort) -> None:
        """Believe in packet error codes only after a read with one has succeeded: some supplies promise too much."""
        self._link.pec = False
        if self.quirks.pec is Pec.OFF or not port.can_pec:
            return
        if self.quirks.pec is Pec.AUTO:
            capability = self.byte(port, Register.CAPABILITY)
            if capability is None or not capability & PEC_SUPPORTED:
                return
        self._link.pec = True
        try:
            self._link.word(port, Register.STATUS_WORD)
        except OSError as error:
            if error.errno not in (errno.EBADMSG, errno.EOPNOTSUPP):
                raise
            self._link.pec = False

    def has(self, register: Register) -> bool:
        return register in self._present

    def byte(self, port: SmbusPort, register: Register) -> int | None:
        return self._optional(port, register, lambda tries: self._link.byte(port, register, tries))

    def word(self, port: SmbusPort, register: Register) -> int | None:
        return self._optional(port, register, lambda tries: self._link.word(port, register, tries))

    def block(self, port: SmbusPort, register: Register) -> bytes | None:
        if not self.quirks.block_reads:
            return None
        return self._optional(port, register, lambda tries: self._link.block(port, register, tries))

    def text(self, port: SmbusPort, register: Register) -> str:
        raw = self.block(port, register)
        return "" if raw is None else raw.rstrip(b"\x00\xff ").decode("ascii", "replace").strip()

    def number(self, port: SmbusPort, register: Register) -> float | None:
        """A LINEAR11 value, or DIRECT where the quirks or VOUT_MODE say so; None when the register is missing."""
        word = self.word(port, register)
        if word is None:
            return None
        if register in self.quirks.coefficients:
            return decode_direct(word, self.quirks.coefficients[register])
        if self._mode(port) >> 5 == VoutFormat.DIRECT:  # such supplies give every value in DIRECT, as the kernel has it
            coefficients = self._learned_coefficients(port, register)
            return None if coefficients is None else decode_direct(word, coefficients)
        return decode_linear11(word)

    def volts(self, port: SmbusPort, register: Register) -> float | None:
        """An output voltage by VOUT_MODE."""
        word = self.word(port, register)
        if word is None:
            return None
        mode = self._mode(port)
        direct = mode >> 5 == VoutFormat.DIRECT
        return decode_vout(word, mode, self._learned_coefficients(port, register) if direct else None)

    def _mode(self, port: SmbusPort) -> int:
        if self._vout_mode is None:
            mode = self.byte(port, Register.VOUT_MODE)
            self._vout_mode = 0xFF if mode is None else mode
        return self._vout_mode

    def forget_vout_mode(self) -> None:
        """VOUT_MODE belongs to a page."""
        self._vout_mode = None

    def _learned_coefficients(self, port: SmbusPort, register: Register) -> Coefficients | None:
        if register in self.quirks.coefficients:
            return self.quirks.coefficients[register]
        if register not in self._coefficients:
            block = None
            if port.can_process_call and Register.COEFFICIENTS not in self._missing:
                block = self._unless_refused(
                    port, lambda: self._link.process_call(port, Register.COEFFICIENTS, bytes((register, 1)))
                )
                if block is None and not any(self._coefficients.values()):
                    self._missing.add(Register.COEFFICIENTS)
            self._coefficients[register] = None if block is None else decode_coefficients(block)
        return self._coefficients[register]

    def _optional(self, port: SmbusPort, register: Register, read: Callable[[int], T]) -> T | None:
        """A register that has answered once is only in trouble; one that was surely refused is not asked for again."""
        if register in self._missing:
            return None
        if register in self._present:
            return read(TRIES)
        value = self._unless_refused(port, lambda: read(1))
        (self._missing if value is None else self._present).add(register)
        return value

    def _unless_refused(self, port: SmbusPort, read: Callable[[], T]) -> T | None:
        """None when a supply that answers otherwise refuses repeatedly.

        A supply that is being pulled refuses everything, and one disturbed transaction looks like a refusal: neither
        may cost a register.
        """
        for _ in range(REFUSALS):
            try:
                return read()
            except OSError as error:
                if not no_such_register(error):
                    raise
                self._link.word(port, Register.STATUS_WORD)
        return None
