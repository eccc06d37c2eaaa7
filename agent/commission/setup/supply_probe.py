# SPDX-License-Identifier: Apache-2.0
"""Looks for PMBus supplies at addresses that a person agreed to. Reads only, and only registers that say who it is.

An SMBus read sends the number of a register before it reads; nothing else is ever sent. PMBUS_REVISION comes first:
what does not answer it as a PMBus device does is not asked for anything more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.commission.setup.interview import printable
from agent.hardware.pmbus.formats import decode_linear11
from agent.hardware.pmbus.registers import Register
from agent.hardware.smbus import nobody_answered, owned_by_kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.hardware.smbus import SmbusPort

USUAL_ADDRESSES = range(0x58, 0x60)
"""Of CRPS supplies: 58h and the number of the slot."""
MAX_PART = 5
"""PMBUS_REVISION has the revision of Part I above that of Part II, 0 for 1.0 to 5 for 1.5.

An empty memory answers 0 too: who does must have a name.
"""
MAX_RATED_W = 20_000.0


@dataclass(frozen=True, slots=True)
class FoundSupply:
    """What a supply says about itself; empty or None where it does not."""

    address: int
    mfr_id: str = ""
    mfr_model: str = ""
    rated_w: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """`troubles`: one sentence for each address that answered in another way than a supply or not at all."""

    supplies: tuple[FoundSupply, ...]
    troubles: tuple[str, ...]


def probe(port: SmbusPort, addresses: Iterable[int]) -> Probe:
    """Ask each address. Blocking, about 20 ms for each; a bus in trouble is told, not raised."""
    supplies, troubles = [], []
    for address in addresses:
        try:
            revision = port.read_byte_data(address, Register.PMBUS_REVISION)
        except OSError as error:
            if owned_by_kernel(error):
                troubles.append(
                    f"{address:#04x}: a kernel driver owns it, and is not disturbed; a profile may name it all the"
                    " same: its readings then come from that driver"
                )
            elif not nobody_answered(error):
                troubles.append(f"{address:#04x}: {error.strerror or error}")
            continue
        plausible = revision >> 4 <= MAX_PART and revision & 0x0F <= MAX_PART
        supply = _supply(port, address) if plausible else None
        if supply is None or not (revision or supply.mfr_id):
            troubles.append(f"{address:#04x}: something is there that is no PMBus supply (it answers {revision:#04x})")
        else:
            supplies.append(supply)
    return Probe(tuple(supplies), tuple(troubles))


def _supply(port: SmbusPort, address: int) -> FoundSupply:
    return FoundSupply(
        address,
        _text(port, address, Register.MFR_ID),
        _text(port, address, Register.MFR_MODEL),
        _rated_w(port, address),
    )


def _text(port: SmbusPort, address: int, register: Register) -> str:
    try:
        raw = port.read_block_data(address, register)
    except OSError:
        return ""
    return printable(raw.rstrip(b"\x00\xff ").decode("ascii", "replace").strip())


def _rated_w(port: SmbusPort, address: int) -> float | None:
    """By LINEAR11; a supply with another format, or none, is asked of the person."""
    try:
        watts = decode_linear11(port.read_word_data(address, Register.MFR_POUT_MAX))
    except OSError:
        return None
    return watts if 1 <= watts <= MAX_RATED_W else None
