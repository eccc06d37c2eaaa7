# SPDX-License-Identifier: Apache-2.0
"""`[[energy.meters]]`: what measures the machine's power, and how one is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from agent.energy.meters.hwmon_power import HwmonPower
from agent.energy.meters.interface import Quantity
from agent.energy.meters.load_model import LoadModel, Utilisation
from agent.energy.meters.pi_pmic import PiPmic
from agent.energy.meters.rapl import RaplMeter
from agent.energy.meters.supply_power import SupplyPower
from agent.energy.rapl import Domain
from agent.hardware.hwmon import HwmonChip
from agent.profile.base import Table
from agent.profile.thermal_tables import ChipName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.energy.meters.interface import Meter
    from agent.energy.sysfs import Sysfs
    from agent.hardware.hwmon import HwmonPort

Watts = Annotated[float, msgspec.Meta(gt=0, le=100_000)]


class _MeterTable(Table, frozen=True, kw_only=True, tag_field="kind"):
    pass


class RaplTable(_MeterTable, frozen=True, kw_only=True, tag="rapl"):
    """The processors' own counters."""

    domain: Literal["package", "psys"] = "package"


class SuppliesTable(_MeterTable, frozen=True, kw_only=True, tag="supplies"):
    """What the board's supplies draw from the mains."""


class HwmonTable(_MeterTable, frozen=True, kw_only=True, tag="hwmon"):
    """A chip that measures power, such as an INA226."""

    chip: ChipName
    device: str = ""
    channel: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    quantity: Literal["node_w", "cpu_w"] = "node_w"


class PiTable(_MeterTable, frozen=True, kw_only=True, tag="raspberry-pi-5"):
    """Its power management chip."""


class LoadTable(_MeterTable, frozen=True, kw_only=True, tag="load-model"):
    """An estimate by how busy the processors are."""

    idle_w: Watts
    busy_w: Watts

    def __post_init__(self) -> None:
        if self.idle_w > self.busy_w:
            raise ValueError(f"idle_w must not be larger than busy_w ({self.idle_w:g} and {self.busy_w:g})")


MeterTable = RaplTable | SuppliesTable | HwmonTable | PiTable | LoadTable
BY_ITSELF: tuple[MeterTable, ...] = (SuppliesTable(), RaplTable(domain="psys"), RaplTable())
"""What is read where the site file names no meters."""


@dataclass(frozen=True, slots=True)
class MeterGround:
    """What meters read from."""

    sysfs: Sysfs
    proc: Sysfs
    input_w: Callable[[], float | None]
    hwmon: HwmonPort


def make_meters(tables: Sequence[MeterTable] | None, ground: MeterGround) -> tuple[Meter, ...]:
    """In the order of the tables."""
    return tuple(_make(table, ground) for table in (BY_ITSELF if tables is None else tables))


def _make(table: MeterTable, ground: MeterGround) -> Meter:
    match table:
        case RaplTable():
            return RaplMeter(ground.sysfs, Domain(table.domain))
        case SuppliesTable():
            return SupplyPower(ground.input_w)
        case HwmonTable():
            chip = HwmonChip(table.chip, table.device)
            return HwmonPower(ground.hwmon, chip, table.channel, Quantity(table.quantity))
        case PiTable():
            return PiPmic()
        case LoadTable():
            return LoadModel(Utilisation(ground.proc), table.idle_w, table.busy_w)
