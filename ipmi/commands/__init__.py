# SPDX-License-Identifier: Apache-2.0
"""The commands of the IPMI server, one file per group."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ipmi.commands.app import AppCommands
from ipmi.commands.channel import ChannelCommands
from ipmi.commands.chassis import ChassisCommands
from ipmi.commands.dcmi import DcmiCommands
from ipmi.commands.dcmi_limit import DcmiLimitCommands
from ipmi.commands.event import EventCommands
from ipmi.commands.oem_redundancy import RedundancyCommands
from ipmi.commands.payload import PayloadCommands
from ipmi.commands.sel import SelCommands
from ipmi.commands.sensor import SensorCommands
from ipmi.commands.session import SessionCommands
from ipmi.commands.storage import StorageCommands
from ipmi.commands.system_info import SystemInfoCommands
from ipmi.commands.transport import TransportCommands
from ipmi.commands.user import UserCommands
from ipmi.commands.watchdog import WatchdogCommands
from ipmi.records.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import Board
    from ipmi.config import ServerConfig
    from ipmi.dispatch import Command
    from ipmi.sessions import SessionLayer
    from ipmi.sol_service import SolService


class Standard(NamedTuple):
    commands: list[Command]
    close: Callable[[], None]
    """Stops what runs by itself."""


def standard_commands(
    board: Board, config: ServerConfig, sessions: SessionLayer, sol: SolService, clock: Callable[[], float]
) -> Standard:
    """Every command that comes with the server, bound to one board. `clock` is monotonic, in seconds."""
    repository = Repository(board.identity, board.sensors, board.inventory)
    watchdog = WatchdogCommands(board.chassis, clock)
    commands = [
        *SessionCommands(sessions, config).commands(),
        *AppCommands(board.identity, board.chassis, sessions).commands(),
        *ChannelCommands(sessions).commands(),
        *UserCommands(board.users, sessions).commands(),
        *SystemInfoCommands(board.identity, board.system_info).commands(),
        *watchdog.commands(),
        *PayloadCommands(sol, sessions, board.users, board.sol).commands(),
        *ChassisCommands(board.chassis, board.boot_options, clock).commands(),
        *SensorCommands(board.sensors, repository).commands(),
        *EventCommands(board.event_log, board.clock).commands(),
        *StorageCommands(repository, board.inventory, board.clock).commands(),
        *SelCommands(board.event_log, board.clock).commands(),
        *TransportCommands(config, board.network).commands(),
        *DcmiCommands(board.identity, board.power_meter, board.sensors, repository, board.dcmi, board.clock).commands(),
        *DcmiLimitCommands(board.power_limit).commands(),
        *RedundancyCommands(board.redundancy).commands(),
    ]
    return Standard(commands, watchdog.close)
