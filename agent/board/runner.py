# SPDX-License-Identifier: Apache-2.0
"""Runs a board until a signal ends it: the loop, the signals, the restart after arming."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from agent.board.board import Board
from agent.board.state_dir import StateDir, StateDirError
from agent.board.status_line import status_line
from agent.service.owner import foreign_owner
from agent.service.service import Service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.board.options import Options

log = logging.getLogger(__name__)

GROUP_MAY_READ = 0o027
"""State files: owner writes, group reads, others nothing; users and passwords are 0600 besides."""


def run_board(options: Options, running: Callable[[Board], Awaitable[None]]) -> None:
    """Open, start and close a board around `running`, which ends when `board.closing` is set.

    SIGINT and SIGTERM end it cleanly. Raises what Board and StateDir raise, and ListenError.
    """
    os.umask(GROUP_MAY_READ)
    service = Service()
    owner = foreign_owner(options.state_dir)
    if owner:  # what root would write there, the service could not read
        cure = f"use systemctl, or sudo -u {owner}"
        raise StateDirError(f"state directory {options.state_dir} belongs to {owner}: {cure}")
    state = StateDir(options.state_dir)
    try:
        restart = asyncio.run(_run(options, service, running))
    finally:
        state.close()
    if restart:
        log.info("restarting")
        isolated = ["-I"] if sys.flags.isolated else []
        os.execv(sys.executable, [sys.executable, *isolated, "-m", "agent", *sys.argv[1:]])


async def _run(options: Options, service: Service, running: Callable[[Board], Awaitable[None]]) -> bool:
    board = Board(options, service.lines)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, board.closing.set)
    try:
        service.hear(board.bus)
        await board.start()
        service.began(board.lines.engine.nudge, lambda: status_line(board))
        task = asyncio.ensure_future(running(board))
        stopped = asyncio.create_task(board.closing.wait())
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        for pending in (task, stopped):
            pending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        service.ends(board.restarting)
        await board.close()
        service.ended(board.restarting)
    return board.restarting
