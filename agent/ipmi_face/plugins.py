# SPDX-License-Identifier: Apache-2.0
"""OEM commands and group extensions from other packages, by entry point."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agent.entry_points import published

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

    from ipmi.board import Board
    from ipmi.dispatch import CommandTable

log = logging.getLogger(__name__)

GROUP = "pgood.ipmi_commands"
"""Each entry is a callable that takes an `ipmi.board.Board` and returns `ipmi.dispatch.Command` rows."""


def register_plugins(table: CommandTable, board: Board, entries: Iterable[EntryPoint] | None = None) -> int:
    """Add the commands of every plug-in; returns how many. One that fails is logged and left out."""
    added = 0
    for entry in published(GROUP) if entries is None else entries:
        try:
            for command in entry.load()(board):
                table.register(command)
                added += 1
        except Exception:  # a plug-in is foreign code: it may fail in any way, and must not take the agent with it
            log.exception("IPMI plug-in %s (%s) is left out", entry.name, entry.value)
    return added
