# SPDX-License-Identifier: Apache-2.0
"""Driver of one PMBus supply: who it is, its status, its readings, its role. Reads only, unless asked to write.

No fault is ever cleared by reading: latched bits stay for every other reader, and what is history is told by the
live values (readings.py).
"""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from agent.hardware.pmbus.capability import Capability
from agent.hardware.pmbus.energy import average_w, decode_energy
from agent.hardware.pmbus.formats import encode_linear11
from agent.hardware.pmbus.link import Link
from agent.hardware.pmbus.quirks import Quirks, adjusted, quirks_of
from agent.hardware.pmbus.readings import Output, SupplyIdentity, SupplyReadings
from agent.hardware.pmbus.registers import FANS, TEMPERATURES, Register
from agent.hardware.pmbus.status import Status, StatusWord, registers_to_read

if TYPE_CHECKING:
    from agent.hardware.pmbus.energy import EnergyCount
    from agent.hardware.smbus import SmbusPort

NOT_ANSWERED = 0xFFFF
MAX_RATED_W = 20_000.0


class PmbusSupply:
    """Blocking: used on the bus's thread only. Methods raise OSError after bounded tries."""

    def __init__(
        self, address: int, gap_us: int | None = None, pec: str | None = None, pages: int | None = None
    ) -> None:
        """What is given wins over the quirks of the model."""
        self._given = (gap_us, pec, pages)
        self._link = Link(address)
        self._has = Capability(self._link)
        self._energy: dict[Register, EnergyCount] = {}
        self._identity: SupplyIdentity | None = None
        self.forget()

    @property
    def quirks(self) -> Quirks:
        return self._has.quirks

    @property
    def pec(self) -> bool:
        """Whether transactions carry packet error codes now."""
        return self._link.pec

    @property
    def repeats(self) -> int:
        """Transactions that had to be repeated so far."""
        return self._link.errors

    def forget(self) -> None:
        """Another supply may be in the slot: learn its registers anew."""
        self._has.forget()
        self._has.adopt(adjusted(self._has.quirks, *self._given))
        self._energy.clear()
        self._identity = None

    def identity(self, port: SmbusPort) -> SupplyIdentity:
        """Learn the supply: its texts, its quirks, whether packet error codes work, its ratings.

        It has to answer before it is asked for what it may not have: a supply that is plugged in between the first
        question and the second would have lost the first register.
        """
        self.forget()
        has = self._has
        self._link.word(port, Register.STATUS_WORD)
        mfr_id, mfr_model = has.text(port, Register.MFR_ID), has.text(port, Register.MFR_MODEL)
        has.adopt(adjusted(quirks_of(mfr_id, mfr_model), *self._given))
        has.learn_pec(port)
        rated_w = has.number(port, Register.MFR_POUT_MAX)
        self._identity = SupplyIdentity(
            mfr_id=mfr_id,
            mfr_model=mfr_model,
            serial=has.text(port, Register.MFR_SERIAL),
            revision=has.text(port, Register.MFR_REVISION),
            rated_w=rated_w if rated_w is not None and 0 < rated_w <= MAX_RATED_W else None,
            vin_min_v=has.number(port, Register.MFR_VIN_MIN) or None,
            vin_max_v=has.number(port, Register.MFR_VIN_MAX) or None,
        )
        return self._identity

    def status(self, port: SmbusPort) -> Status:
        """STATUS_WORD, and what explains the bits in it: one transaction while all is well."""
        word = self._link.word(port, Register.STATUS_WORD)
        if word == NOT_ANSWERED:  # a bus that floats high, or a supply that only has the byte
            byte = self._has.byte(port, Register.STATUS_BYTE)
            if byte is None or byte == NOT_ANSWERED & 0xFF:
                raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
            word = byte
        details = [(register, self._has.byte(port, register)) for register in registers_to_read(StatusWord(word))]
        return Status(StatusWord(word), tuple((register, value) for register, value in details if value is not None))

    def readings(self, port: SmbusPort) -> SupplyReadings:
        """Everything of the main output, and of further pages."""
        has = self._has
        status = self.status(port)
        vin_v, iin_a, pin_w = (
            has.number(port, register) for register in (Register.READ_VIN, Register.READ_IIN, Register.READ_PIN)
        )
        self._select(port, 0)
        main = self._output(port, 0)
        further = []
        for page in range(1, self.quirks.pages):
            self._select(port, page)
            further.append(self._output(port, page))
        self._select(port, 0)
        return SupplyReadings(
            mono_ns=time.monotonic_ns(),
            status=status,
            vin_v=vin_v,
            iin_a=iin_a,
            pin_w=pin_w,
            vout_v=main.vout_v,
            iout_a=main.iout_a,
            pout_w=main.pout_w,
            temperatures_c=_without_missing_end([has.number(port, register) for register in TEMPERATURES]),
            fans_rpm=_without_missing_end([has.number(port, register) for register in FANS]),
            average_in_w=self._average(port, Register.READ_EIN),
            average_out_w=self._average(port, Register.READ_EOUT),
            outputs=tuple(further),
            vin_min_v=self._identity.vin_min_v if self._identity else None,
        )

    def role(self, port: SmbusPort) -> int:
        return self._link.byte(port, Register.COLD_REDUNDANCY)

    def write_role(self, port: SmbusPort, role: int) -> None:
        self._link.write_byte(port, Register.COLD_REDUNDANCY, role)

    def power_limit(self, port: SmbusPort) -> float | None:
        """POUT_OP_WARN_LIMIT in watts; None where the supply does not have it."""
        return self._has.number(port, Register.POUT_OP_WARN_LIMIT)

    def limit_power(self, port: SmbusPort, watts: float) -> bool:
        """Set POUT_OP_WARN_LIMIT, on a person's request only; False where the supply does not keep it."""
        word = encode_linear11(watts)
        self._link.write_word(port, Register.POUT_OP_WARN_LIMIT, word)
        return self._link.word(port, Register.POUT_OP_WARN_LIMIT) == word

    def _output(self, port: SmbusPort, page: int) -> Output:
        has = self._has
        vout_v, iout_a = has.volts(port, Register.READ_VOUT), has.number(port, Register.READ_IOUT)
        pout_w = has.number(port, Register.READ_POUT)
        if pout_w is None and vout_v is not None and iout_a is not None:
            pout_w = vout_v * iout_a
        return Output(page, vout_v, iout_a, pout_w)

    def _select(self, port: SmbusPort, page: int) -> None:
        """Choose an output page and make sure of it. Nothing is written to supplies with one page."""
        if self.quirks.pages == 1:
            return
        self._link.write_byte(port, Register.PAGE, page)
        if self._link.byte(port, Register.PAGE) != page:
            raise OSError(errno.EIO, f"page {page} cannot be selected")
        self._has.forget_vout_mode()

    def _average(self, port: SmbusPort, register: Register) -> float | None:
        block = self._has.block(port, register)
        now = None if block is None else decode_energy(block)
        if now is None:
            return None
        before = self._energy.get(register)
        self._energy[register] = now
        if before is None:
            return None
        return average_w(before, now, self.quirks.energy_modulus, self.quirks.energy_scale)


def _without_missing_end(values: list[float | None]) -> tuple[float | None, ...]:
    while values and values[-1] is None:
        values.pop()
    return tuple(values)
