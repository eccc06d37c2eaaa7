# SPDX-License-Identifier: Apache-2.0
"""What `run` and `demo` share: options from files and arguments, logging, and errors as one clear line."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from agent.board.options import Options, Override, address
from agent.board.runner import run_board
from agent.board.state_dir import StateDirError
from agent.cli.failure import Failure
from agent.console.open import ConsoleError
from agent.hardware.gpio import GpioError
from agent.hardware.smbus import BusError
from agent.ipmi_face.endpoints import ListenError
from agent.profile.load import complete_adapters, find_profile, load_profile, load_site
from agent.profile.problem import ConfigError, SettingError
from agent.profile.site import Site
from agent.store.database import StoreError
from agent.store.users import UsersError
from native import LineError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.board.board import Board

OUTSIDE_ERRORS = (
    GpioError,
    BusError,
    ConsoleError,
    LineError,
    ListenError,
    StateDirError,
    StoreError,
    UsersError,
    ConfigError,
    SettingError,
)
"""Everything that is wrong outside of the program: told in one line, without a traceback."""


def add_ipmi(parser: argparse.ArgumentParser, default: str | None) -> None:
    shown = f" (default: {default})" if default else ""
    parser.add_argument("--ipmi", metavar="ADDR:PORT", default=default, help=f"where IPMI listens{shown}")


def add_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verbose", "-v", action="store_true", help="log what the agent does")


def options(
    profile: str, config: Path | None, state_dir: Path, override: Override, first_user: str | None = None
) -> Options:
    """The options of one run. Raises Failure."""
    try:
        profile_file = find_profile(profile)
        loaded = load_profile(profile_file)
        site = load_site(config) if config else Site()
        loaded = complete_adapters(loaded, profile_file, site, config)
    except ConfigError as error:
        raise Failure(str(error)) from error
    return Options(loaded, profile_file, site, config, state_dir, override, first_user)


def parse_address(text: str) -> tuple[str, int]:
    """Raises Failure."""
    try:
        return address(text)
    except ValueError as error:
        raise Failure(str(error)) from error


def start_logging(verbose: bool) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


def board(chosen: Options, running: Callable[[Board], Awaitable[None]]) -> None:
    """Run a board. Raises Failure."""
    try:
        run_board(chosen, running)
    except OUTSIDE_ERRORS as error:
        raise Failure(str(error)) from error
