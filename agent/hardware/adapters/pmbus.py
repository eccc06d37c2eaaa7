# SPDX-License-Identifier: Apache-2.0
"""Adapter `pmbus`: the main output of a supply of the profile, by its OPERATION register, each write read back.

The register is written only on a request, only where the profile says so, and only on the supply that it states
(safety rule 15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from agent.hardware.adapters.interface import Ability, AdapterKind, AdapterOptions, Level, PreconditionFailed, Sense
from agent.hardware.adapters.polled import PolledSense
from agent.hardware.pmbus.link import Link
from agent.hardware.pmbus.registers import Register
from agent.hardware.pmbus.status import StatusWord
from agent.hardware.pmbus.supply import NOT_ANSWERED
from agent.hardware.smbus import owned_by_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.hardware.adapters.interface import AdapterError, Fault, Precondition, Surroundings
    from agent.hardware.smbus import SmbusPort
    from agent.profile.schema import Profile, SupplyTable

ON = 0x80
"""OPERATION: on, nominal output (PMBus Part II, OPERATION)."""
OFF = {"immediate": 0x00, "sequenced": 0x40}
ON_BIT = 0x80


class PmbusOptions(AdapterOptions, frozen=True, kw_only=True):
    """A supply of the profile, by its name."""

    supply: str
    write_operation: Literal[True]
    """Your word that OPERATION of this supply may be written."""
    off: Literal["immediate", "sequenced"] = "immediate"
    poll_s: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 1.0


def abilities(options: PmbusOptions) -> frozenset[Ability]:
    return frozenset({Ability.ON, Ability.OFF, Ability.SENSE})


def faults(options: PmbusOptions, profile: Profile) -> Iterator[Fault]:
    table = _table(options, profile)
    if table is None:
        there = ", ".join(supply.name for supply in profile.supplies) or "none"
        yield "supply", f"names no table of [[supplies]] (here: {options.supply!r}; there are: {there})"
    elif not (table.mfr_id and table.mfr_model) and not table.model_stated:
        why = f"supply {options.supply!r} needs mfr_id and mfr_model (what it must answer), or model_stated"
        yield "write_operation", why


def _table(options: PmbusOptions, profile: Profile) -> SupplyTable | None:
    return next((supply for supply in profile.supplies if supply.name == options.supply), None)


class PmbusAdapter:
    """Implements PowerAdapter."""

    reports = True

    def __init__(self, options: PmbusOptions, around: Surroundings) -> None:
        table = _table(options, around.profile)
        if table is None or table.bus not in around.buses:
            raise around.error(f"supply {options.supply!r} is on no bus of this board")
        self.abilities = abilities(options)
        self._options = options
        self._around = around
        self._table = table
        self._bus = around.buses[table.bus]
        self._link = Link(table.address)
        if table.gap_us is not None:
            self._link.gap_s = table.gap_us / 1e6
        self._sense = PolledSense(around.place, self._look, options.poll_s)

    async def start(self, tell: Callable[[Sense], None]) -> None:
        self._sense.start(tell)

    async def act(self, ability: Ability, when: Precondition) -> None:
        if ability not in (Ability.ON, Ability.OFF):
            raise self._around.error(f"cannot do {ability.value!r}: OPERATION is on or off")
        value = ON if ability is Ability.ON else OFF[self._options.off]
        when.confirm()
        await self._on_bus(lambda port: self._write(port, value, when))
        self._sense.hurry()

    async def close(self) -> None:
        await self._sense.close()

    # ------------------------------------------------------------------ on the bus's thread

    def _write(self, port: SmbusPort, value: int, when: Precondition) -> None:
        """Model, state, write, read back: all in one visit of the bus."""
        self._check_model(port)
        level = self._level(port)
        if when.own and level is not when.level:
            why = f"the supply was to be {when.level.value} and is {level.value}"
            raise PreconditionFailed(f"{self._around.place}: {why}; nothing was written")
        self._link.write_byte(port, Register.OPERATION, value)
        kept = self._link.byte(port, Register.OPERATION)
        if kept & ON_BIT != value & ON_BIT:
            why = f"the supply did not keep {value:#04x} in OPERATION (it reads {kept:#04x})"
            raise self._around.error(f"{why}: see ON_OFF_CONFIG of its manual")

    def _check_model(self, port: SmbusPort) -> None:
        table = self._table
        if not (table.mfr_id and table.mfr_model):
            return  # the user's word for it: model_stated
        found = tuple(
            self._link.block(port, register).decode("latin-1").rstrip("\0 ")
            for register in (Register.MFR_ID, Register.MFR_MODEL)
        )
        if found != (table.mfr_id, table.mfr_model):
            why = f"supply {table.name!r} is {found!r} and not what the profile states"
            raise self._around.error(f"{why}: nothing was written")

    def _level(self, port: SmbusPort) -> Level:
        word = self._link.word(port, Register.STATUS_WORD)
        if word == NOT_ANSWERED:
            raise self._around.error(f"supply {self._table.name!r} does not answer")
        return Level.OFF if StatusWord.OFF in StatusWord(word) else Level.ON

    # ------------------------------------------------------------------ inside

    async def _look(self) -> Sense:
        level = Level.UNKNOWN

        def look(port: SmbusPort) -> None:
            nonlocal level
            level = self._level(port)

        await self._on_bus(look)
        return Sense(level)

    async def _on_bus(self, work: Callable[[SmbusPort], None]) -> None:
        try:
            await self._bus.call(work, self._options.timeout_s)
        except OSError as error:
            raise self._why(error) from error

    def _why(self, error: OSError) -> AdapterError:
        what = f"supply {self._table.name!r} at {self._table.address:#04x} on bus {self._table.bus!r}"
        if owned_by_kernel(error):
            return self._around.error(f"{what}: a kernel driver owns the address: unbind it to switch this supply")
        return self._around.error(f"{what}: {error.strerror or error}")


KIND = AdapterKind(
    "the output of a PMBus supply (OPERATION)",
    PmbusOptions,
    abilities,
    PmbusAdapter,
    faults,
    frozenset({Ability.ON, Ability.OFF, Ability.SENSE}),
)
