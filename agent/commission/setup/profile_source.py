# SPDX-License-Identifier: Apache-2.0
"""A profile as text that setup may adapt to this machine: the label of its chip, and the supplies that were found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.commission.setup.interview import SetupError
from agent.commission.setup.toml_text import TomlEditError, set_value, toml
from agent.profile.decode import read_text
from agent.profile.load import find_profile, parse_profile, shipped_profiles
from agent.profile.problem import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.profile.schema import Profile

BUS = "supplies"
"""Name of the bus that found supplies are put on."""


@dataclass(frozen=True, slots=True)
class SupplySlot:
    """One supply of the profile to be. Watts are the supply's own, or a person's word."""

    address: int
    rated_w: float
    mfr_id: str = ""
    mfr_model: str = ""


@dataclass(frozen=True, slots=True)
class ProfileSource:
    """`named` is what the site file names: a shipped name, or the path of a file."""

    named: str
    file: Path
    text: str
    profile: Profile
    made_from: str
    """Its text as it was opened."""
    adapted: bool = False

    def with_chip(self, label: str) -> ProfileSource:
        """Its only GPIO chip is the one with this label. Raises SetupError."""
        if len(self.profile.chips) != 1:
            chips = len(self.profile.chips)
            raise SetupError(
                f"--chip: profile {self.named} has {chips} GPIO chips, not one: copy the profile and edit that"
            )
        (name,) = self.profile.chips
        if self.profile.chips[name].device:
            raise SetupError(f"--chip: profile {self.named} names its chip by device: edit chips.{name} there")
        try:
            return self._with_text(set_value(self.text, ("chips", name, "label"), label))
        except TomlEditError as error:
            raise SetupError(f"{self.file}: {error}") from error

    def with_supplies(self, bus: int, slots: Sequence[SupplySlot]) -> ProfileSource:
        """With supplies on one I2C bus, in this order. Raises SetupError."""
        if self.profile.supplies or BUS in self.profile.buses:
            raise SetupError(f"profile {self.named} has supplies, or a bus {BUS!r}, already: edit those there")
        parts = [self.text.rstrip("\n"), f"\n[buses.{BUS}]\nnumber = {bus}"]
        for number, slot in enumerate(slots, 1):
            model = f"{slot.mfr_id} {slot.mfr_model}".strip()
            comment = f"  # answered as {model}" if model else ""
            parts.append(
                f"\n[[supplies]]\nname = {toml(str(number))}{comment}\nbus = {toml(BUS)}\n"
                f"address = {slot.address:#04x}\nrated_w = {slot.rated_w:g}"
            )
        return self._with_text("\n".join(parts) + "\n")

    def saved_as(self, file: Path) -> ProfileSource:
        """As a file of its own, that says where it comes from."""
        origin = (
            f"# Made by 'pgood setup' from the profile {self.named}; edit it as you like, then: pgood check {file}\n"
        )
        text = self.text if file == self.file else origin + self.text
        return replace(self, named=str(file), file=file, text=text)

    def _with_text(self, text: str) -> ProfileSource:
        if text == self.text:
            return self
        try:
            return replace(self, text=text, profile=parse_profile(self.file, text), adapted=True)
        except ConfigError as error:
            raise SetupError(str(error)) from error


def open_profile(name_or_file: str) -> ProfileSource:
    """Raises ValueError with every problem that the loader finds."""
    try:
        file = find_profile(name_or_file)
        text = read_text(file)
        profile = parse_profile(file, text)
    except (ConfigError, OSError) as error:
        raise ValueError(str(error)) from error
    named = name_or_file if name_or_file in shipped_profiles() else str(file.absolute())
    return ProfileSource(named, file, text, profile, made_from=text)
