# SPDX-License-Identifier: Apache-2.0
"""What a board consists of, as far as discovery describes it to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.profile.thermal_tables import Quantity

if TYPE_CHECKING:
    from agent.power.request import Action


@dataclass(frozen=True, slots=True)
class HostItem:
    name: str
    actions: frozenset[Action]
    """What the host's wiring allows."""


@dataclass(frozen=True, slots=True)
class SupplyItem:
    """A slot, with what the supply in it says of itself; empty texts while nothing is known."""

    name: str
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class SensorItem:
    name: str
    label: str
    quantity: Quantity = Quantity.TEMPERATURE


@dataclass(frozen=True, slots=True)
class EnergyItem:
    """What follows prices and the like: signals by name and unit."""

    signals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """The parts of one board, in the order of its profile."""

    board: str
    version: str
    manufacturer: str
    product: str
    part_number: str = ""
    hosts: tuple[HostItem, ...] = ()
    supplies: tuple[SupplyItem, ...] = ()
    sensors: tuple[SensorItem, ...] = ()
    zones: tuple[str, ...] = ()
    fans: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    """Chassis and auxiliary ones, as in `chassis/main`."""
    cold_redundancy: bool = False
    event_kinds: tuple[str, ...] = ()
    energy: EnergyItem | None = None
