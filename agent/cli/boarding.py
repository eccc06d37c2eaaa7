# SPDX-License-Identifier: Apache-2.0
"""What `run` and `demo` share: options from files and arguments, logging, and errors as one clear line."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.board.options import Options, Override, address
from agent.board.runner import run_board
from agent.board.state_dir import StateDirError
from agent.cli.failure import Failure
from agent.console.open import ConsoleError
from agent.hardware.gpio_error import GpioError
from agent.hardware.smbus import BusError
from agent.ipmi_face.endpoints import ListenError
from agent.power.operation_log import OperationFilter
from agent.profile.decode import read_text
from agent.profile.load import complete_adapters, find_profile, load_profile, load_site
from agent.profile.problem import ConfigError, SettingError
from agent.profile.simulate import simulated
from agent.profile.site import Site
from agent.prometheus.listener import MetricsListenError
from agent.service.journal import JournalHandler, stderr_is_journal
from agent.sim.world_error import WorldError
from agent.store.database import StoreError
from agent.store.users import UsersError
from native import LineError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.board.board import Board
    from agent.energy.tables import EnergyTable
    from agent.fleet.tables import FleetTable
    from agent.profile.schema import Profile

OUTSIDE_ERRORS = (
    GpioError,
    BusError,
    ConsoleError,
    LineError,
    ListenError,
    MetricsListenError,
    StateDirError,
    StoreError,
    UsersError,
    ConfigError,
    SettingError,
    WorldError,
)
"""Everything that is wrong outside of the program: told in one line, without a traceback."""


def add_ipmi(parser: argparse.ArgumentParser, default: str | None) -> None:
    shown = f" (default: {default})" if default else ""
    parser.add_argument("--ipmi", metavar="ADDR:PORT", default=default, help=f"where IPMI listens{shown}")


def add_simulated(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--simulated", action="store_true", help="run a real profile without its hardware: lines in memory, a plant"
    )
    parser.add_argument(
        "--observe", action="store_true", help="a simulated board drives nothing until 'pgood arm', as a real one"
    )
    parser.add_argument("--keep-world", action="store_true", help="the world of a simulated board outlives the agent")


def with_world(arguments: argparse.Namespace, chosen: Options) -> Options:
    """The options with what `add_simulated` asks for. Raises Failure."""
    if arguments.simulated:
        chosen = replace(chosen, profile=simulated(chosen.profile))
    if not chosen.profile.board.simulated and (arguments.observe or arguments.keep_world):
        raise Failure(f"{chosen.profile_file}: --observe and --keep-world are for simulated boards; add --simulated")
    return replace(chosen, observe=arguments.observe, keep_world=arguments.keep_world)


def add_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verbose", "-v", action="store_true", help="log what the agent does")


def options(
    profile: str | None, config: Path | None, state_dir: Path, override: Override, first_user: str | None = None
) -> Options:
    """The options of one run. Raises Failure."""
    try:
        site = load_site(config) if config else Site()
        profile_file = find_profile(profile or _site_profile(site, config))
        loaded = load_profile(profile_file)
        loaded = complete_adapters(loaded, profile_file, site, config)
        energy = _energy(site, config, loaded)
        fleet = _fleet(site, config, loaded)
    except ConfigError as error:
        raise Failure(str(error)) from error
    return Options(
        loaded,
        profile_file,
        site,
        config,
        state_dir,
        override,
        first_user,
        profile_from_site=not profile,
        energy=energy,
        fleet=fleet,
    )


def _energy(site: Site, config: Path | None, profile: Profile) -> EnergyTable | None:
    """Whoever does not use it does not import it. Raises ConfigError."""
    if site.energy is None or config is None:
        return None
    from agent.energy.tables import energy_table

    zones = tuple(zone.name for zone in profile.zones)
    return energy_table(site.energy, config, read_text(config), zones, os.environ)


def _fleet(site: Site, config: Path | None, profile: Profile) -> FleetTable | None:
    """Likewise. Raises ConfigError."""
    if site.fleet is None or config is None:
        return None
    from agent.fleet.tables import fleet_table

    hosts = tuple(host.name for host in profile.hosts)
    return fleet_table(site.fleet, config, read_text(config), site, hosts)


def _site_profile(site: Site, config: Path | None) -> str:
    """The profile that the site file names; a relative path begins beside that file. Raises Failure."""
    named = site.board.profile
    if not named:
        where = f"{config} has no board.profile" if config else "there is no site file that names one"
        raise Failure(f"no profile: give --profile FILE|NAME ({where})")
    beside = config.parent / named if config else None
    return str(beside) if beside and beside.is_file() else named


def parse_address(text: str) -> tuple[str, int]:
    """Raises Failure."""
    try:
        return address(text)
    except ValueError as error:
        raise Failure(str(error)) from error


def start_logging(verbose: bool) -> None:
    to_journal = stderr_is_journal()
    handler = JournalHandler() if to_journal else logging.StreamHandler(sys.stderr)
    handler.addFilter(OperationFilter())
    logging.basicConfig(
        handlers=[handler],
        level=logging.INFO if verbose else logging.WARNING,
        format="%(message)s" if to_journal else "%(asctime)s %(levelname)s %(name)s: %(operation)s%(message)s",
    )


def board(chosen: Options, running: Callable[[Board], Awaitable[None]]) -> None:
    """Run a board. Raises Failure."""
    try:
        run_board(chosen, running)
    except OUTSIDE_ERRORS as error:
        raise Failure(str(error)) from error
