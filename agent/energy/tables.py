# SPDX-License-Identifier: Apache-2.0
"""What the site file says of energy: `[energy]` (keys: docs/energy.md). Read only where the table is there."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from agent.energy.battery_tables import BatteryTable
from agent.energy.cron import parse_cron
from agent.energy.feeds import problems as signal_problems
from agent.energy.kubernetes.table import KubernetesTable
from agent.energy.meter_tables import MeterTable
from agent.energy.original_environment import SettingsError, settings_from
from agent.energy.original_table import with_original
from agent.energy.policy_tables import OF_SIGNAL, PolicyTable, ThermalTable
from agent.energy.signals.table import SignalTable
from agent.profile.base import Name, Table
from agent.profile.decode import convert
from agent.profile.problem import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PAGE = "docs/energy.md"

Watts = Annotated[float, msgspec.Meta(gt=0, le=100_000)]
WattsPerS = Annotated[float, msgspec.Meta(gt=0, le=100_000)]
Folder = Annotated[str, msgspec.Meta(pattern=r"^/[^\x00]*$", max_length=1000)]
Seconds = Annotated[float, msgspec.Meta(ge=1, le=86_400)]


class EnergyTable(Table, frozen=True):
    """How much power a machine may draw, when, and through what."""

    zone: str = "Europe/Paris"
    """The time zone whose days count, as in the tz database."""
    min_w: Watts | None = None
    """The least cap that is ever set; unless given, what the actuator says."""
    max_w: Watts | None = None
    """The largest one; unless given, what the actuator says."""
    safe_w: Watts | None = None
    """While a signal is not known any more; the least, unless given."""
    actuator: dict[str, Any] = msgspec.field(default_factory=lambda: {"kind": "none"})
    """`kind` and its options: docs/energy-actuators.md."""
    apply_s: Seconds = 300.0
    """A cap is written again and read back so often, though it has not changed."""
    look_s: Annotated[float, msgspec.Meta(ge=1, le=300)] = 5.0
    """How often meters are read and policies asked."""
    dead_band_w: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 1.0
    """A smaller change than this is not made."""
    raise_w_per_s: WattsPerS | None = None
    """So fast a cap rises at most."""
    lower_w_per_s: WattsPerS | None = None
    signals: dict[Name, SignalTable] = msgspec.field(default_factory=dict)
    policies: tuple[PolicyTable, ...] = ()
    """The least of what they propose is in force."""
    meters: tuple[MeterTable, ...] | None = None
    """In the order in which they are believed; unless given, every one that needs no options."""
    work_command: tuple[Annotated[str, msgspec.Meta(pattern=r"^[^\x00]+$", max_length=1000)], ...] = ()
    """A program that prints a counter of work, for work per watt; processor seconds, unless given."""
    work_unit: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] = "units"
    """What the program counts."""
    sysfs: Folder = "/sys"
    """Another place where the machine's /sys is mounted, as in a container."""
    proc: Folder = "/proc"
    battery: BatteryTable | None = None
    """There = it is watched, and the machine is shut down at its reserve."""
    kubernetes: KubernetesTable | None = None
    """There = the cap is told to the node of a cluster."""
    environment: bool = False
    """The environment names of powercap (menraromial/powercap) win over this table: docs/energy-kubernetes.md."""
    refresh_cron: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """When signals are fetched anew, beside what is missing: five fields, in `zone`."""
    tuning: bool = False
    """cpufreq: governor and energy preference follow the kind of work."""


def energy_table(
    tree: Mapping[str, Any], file: Path, source: str, zones: tuple[str, ...], environ: Mapping[str, str]
) -> EnergyTable:
    """The checked table; `zones` are the thermal zones of the profile. Raises ConfigError with every problem found."""
    table, problems = convert(dict(tree), EnergyTable, PAGE)
    if table is not None and table.environment:
        try:
            table = with_original(table, settings_from(environ))
        except SettingsError as error:
            raise ConfigError(file, [Problem(("energy", "environment"), str(error))], source) from error
    if table is not None:
        problems = list(_problems(table, zones))
        problems += [Problem(one.path[1:], one.text) for one in signal_problems(table.signals)]
    if table is None or problems:
        raise ConfigError(file, [Problem(("energy", *one.path), one.text) for one in problems], source)
    return table


def _problems(table: EnergyTable, zones: tuple[str, ...]) -> Iterator[Problem]:
    try:
        ZoneInfo(table.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Problem(("zone",), f"is no time zone (here: {table.zone!r}); for example Europe/Paris")
    try:
        if table.refresh_cron:
            parse_cron(table.refresh_cron)
    except ValueError as error:
        yield Problem(("refresh_cron",), f"{error}; give five fields, such as 0 13 * * *")
    limits = [("min_w", table.min_w), ("safe_w", table.safe_w), ("max_w", table.max_w)]
    given = [(key, watts) for key, watts in limits if watts is not None]
    for (low_key, low), (high_key, high) in pairwise(given):
        if low > high:
            yield Problem((low_key,), f"must not be larger than {high_key} (here: {low:g} and {high:g})")
    names = set()
    for number, policy in enumerate(table.policies):
        yield from _policy(table, ("policies", number), policy, zones)
        if policy.title in names:
            yield Problem(("policies", number), f"two policies are called {policy.title!r}: give one a name")
        names.add(policy.title)


def _policy(
    table: EnergyTable, path: tuple[str | int, ...], policy: PolicyTable, zones: tuple[str, ...]
) -> Iterator[Problem]:
    if isinstance(policy, OF_SIGNAL):
        signal = table.signals.get(policy.signal)
        if signal is None:
            known = ", ".join(table.signals) or "none"
            yield Problem((*path, "signal"), f"names no signal (here: {policy.signal!r}; there are: {known})")
    elif isinstance(policy, ThermalTable) and policy.zone not in zones:
        known = ", ".join(zones) or "none"
        yield Problem((*path, "zone"), f"names no thermal zone (here: {policy.zone!r}; the profile has: {known})")
