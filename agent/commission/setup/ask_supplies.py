# SPDX-License-Identifier: Apache-2.0
"""Supplies on I2C: which bus, which addresses may be asked, and what answered there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.commission.setup.interview import SetupError
from agent.commission.setup.profile_source import SupplySlot
from agent.commission.setup.supply_probe import USUAL_ADDRESSES, Probe, probe
from agent.hardware.smbus import BusError

if TYPE_CHECKING:
    from agent.commission.setup.flags import Flags
    from agent.commission.setup.interview import Interview
    from agent.commission.setup.machine import Findings, Machine
    from agent.commission.setup.profile_source import ProfileSource
    from agent.commission.setup.supply_probe import FoundSupply

FIRST, LAST = 0x08, 0x77
HEADER_BUS = 1
"""On the header of a Raspberry Pi; its other buses lead to screens and cameras."""
MAX_SUPPLIES = 8
MAX_RATED_W = 100_000.0
ALL_USUAL = f"{USUAL_ADDRESSES[0]:#04x}-{USUAL_ADDRESSES[-1]:#04x}"


def ask_supplies(
    interview: Interview, flags: Flags, machine: Machine, found: Findings, source: ProfileSource
) -> ProfileSource:
    """The profile with the supplies that were found; itself where there are none to look for. Raises SetupError."""
    by_flag = flags.supply_addresses is not None
    if not (_may_look(source) if by_flag else _shall_look(interview, found, source)):
        return source
    numbers = [bus.number for bus in found.buses]
    likely = numbers[0] if len(numbers) == 1 else HEADER_BUS if HEADER_BUS in numbers else None
    suggestion = None if likely is None else str(likely)
    bus = interview.answer("--bus", flags.bus, "Number of the I2C bus", suggestion, lambda text: _bus(text, numbers))
    addresses = interview.answer(
        "--supply-address", flags.supply_addresses, "Addresses that may be read", ALL_USUAL, parse_addresses
    )
    try:
        answered = _probe(machine, bus, addresses)
    except BusError as error:
        answered = Probe((), (str(error),))
    for trouble in answered.troubles:
        interview.say(f"  {trouble}")
    if not answered.supplies:
        where = ", ".join(f"{address:#04x}" for address in addresses)
        message = f"no supply answers on bus {bus} at {where}: is it plugged in, with its ground wire?"
        if by_flag:
            raise SetupError(f"--supply-address: {message}")
        interview.say(f"  {message}")
        return source
    if len(answered.supplies) > MAX_SUPPLIES:
        interview.say(f"  {len(answered.supplies)} supplies answer; a board takes the first {MAX_SUPPLIES}.")
    slots = [_slot(interview, flags, supply) for supply in answered.supplies[:MAX_SUPPLIES]]
    return source.with_supplies(bus, slots)


def _may_look(source: ProfileSource) -> bool:
    """For a flag that asks for it. Raises SetupError."""
    if source.profile.board.simulated:
        raise SetupError(f"--supply-address: profile {source.named} is simulated, and has its own supplies")
    if source.profile.supplies:
        raise SetupError(f"--supply-address: profile {source.named} has supplies already; edit a copy of it")
    return True


def _shall_look(interview: Interview, found: Findings, source: ProfileSource) -> bool:
    """For a person, who is asked; without one nothing is touched that no flag names."""
    if not interview.asks or not found.buses or source.profile.board.simulated or source.profile.supplies:
        return False
    interview.say()
    interview.say("Server power supplies (PMBus) can be read over I2C. Skip this with Enter if none is wired.")
    return interview.agrees("Look for supplies?", suggestion=False)


def _probe(machine: Machine, bus: int, addresses: tuple[int, ...]) -> Probe:
    """Raises BusError."""
    port = machine.open_bus(bus)
    try:
        return probe(port, addresses)
    finally:
        port.close()


def _slot(interview: Interview, flags: Flags, supply: FoundSupply) -> SupplySlot:
    model = f"{supply.mfr_id} {supply.mfr_model}".strip() or "a supply that does not tell its model"
    rated = "" if supply.rated_w is None else f", {supply.rated_w:g} W"
    interview.say(f"  {supply.address:#04x}: {model}{rated}")
    watts = supply.rated_w
    if watts is None:
        question = f"Rated power of the supply at {supply.address:#04x} in watts (see its label)"
        watts = interview.answer("--supply-rated-w", flags.supply_rated_w, question, None, _watts)
    return SupplySlot(supply.address, watts, supply.mfr_id, supply.mfr_model)


def _bus(text: str, numbers: list[int]) -> int:
    number = int(text) if re.fullmatch(r"\d{1,3}", text) else -1
    if number not in numbers:
        known = ", ".join(map(str, numbers)) or "none: enable I2C, and load i2c-dev"
        raise ValueError(f"there is no /dev/i2c-{text} (buses here: {known})")
    return number


def parse_addresses(text: str) -> tuple[int, ...]:
    """`0x58-0x5b, 0x40`: sorted, each once. Raises ValueError."""
    addresses: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip()):
        match = re.fullmatch(r"(0x[0-9A-Fa-f]{1,2})(?:-(0x[0-9A-Fa-f]{1,2}))?", part)
        first, last = (int(match[1], 16), int(match[2] or match[1], 16)) if match else (0, 0)
        if not FIRST <= first <= last <= LAST:
            raise ValueError(
                f"{part!r} is no address: write for example 0x58, or 0x58-0x5b, within {FIRST:#04x}-{LAST:#04x}"
            )
        addresses.update(range(first, last + 1))
    return tuple(sorted(addresses))


def _watts(text: str) -> float:
    try:
        watts = float(text)
    except ValueError:
        watts = 0.0
    if not 1 <= watts <= MAX_RATED_W:
        raise ValueError(f"{text!r} is no power: write for example 550")
    return watts
