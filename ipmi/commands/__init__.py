# SPDX-License-Identifier: Apache-2.0
"""The commands of the IPMI server, one file per group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.commands.app import AppCommands
from ipmi.commands.chassis import ChassisCommands
from ipmi.commands.oem_redundancy import RedundancyCommands
from ipmi.commands.sel import SelCommands
from ipmi.commands.sensor import SensorCommands
from ipmi.commands.session import SessionCommands
from ipmi.commands.storage import StorageCommands
from ipmi.commands.transport import TransportCommands
from ipmi.records.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import Board
    from ipmi.config import ServerConfig
    from ipmi.dispatch import Command
    from ipmi.sessions import SessionLayer


def standard_commands(
    board: Board, config: ServerConfig, sessions: SessionLayer, clock: Callable[[], float]
) -> list[Command]:
    """Every command that comes with the server, bound to one board. `clock` is monotonic, in seconds."""
    repository = Repository(board.identity, board.sensors)
    return [
        *SessionCommands(sessions, config).commands(),
        *AppCommands(board.identity, board.chassis, board.users, sessions).commands(),
        *ChassisCommands(board.chassis, board.boot_options, clock).commands(),
        *SensorCommands(board.sensors, repository).commands(),
        *StorageCommands(repository, board.inventory, board.clock).commands(),
        *SelCommands(board.event_log, board.clock).commands(),
        *TransportCommands(config, board.network).commands(),
        *RedundancyCommands(board.redundancy).commands(),
    ]
