# SPDX-License-Identifier: Apache-2.0
"""`pgood run`: the agent on a board, real or simulated."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.board.options import Override
from agent.cli import boarding
from agent.cli.places import SYSTEM_SITE, run_state_dir

if TYPE_CHECKING:
    import argparse

    from agent.board.board import Board


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("run", help="run the agent on a board")
    parser.add_argument(
        "--profile", metavar="FILE|NAME", help="firmware profile of the board (default: board.profile of the site file)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"site file (default: {SYSTEM_SITE} if it exists)")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="where state is kept")
    boarding.add_ipmi(parser, None)
    parser.add_argument("--broker", metavar="URL", help="MQTT broker, instead of the site file's")
    boarding.add_simulated(parser)
    boarding.add_log(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    boarding.start_logging(arguments.verbose)
    config = arguments.config or (SYSTEM_SITE if SYSTEM_SITE.exists() else None)
    override = Override(
        ipmi=boarding.parse_address(arguments.ipmi) if arguments.ipmi else None, mqtt_url=arguments.broker
    )
    options = boarding.options(arguments.profile, config, arguments.state_dir or run_state_dir(), override)
    boarding.board(boarding.with_world(arguments, options), _serve)
    return 0


async def _serve(board: Board) -> None:
    bound = [address for of_host in board.ipmi.bound.values() for address in of_host]
    where = ", ".join(f"{host}:{port}" for host, port in bound) or "no address"
    armed = "armed" if board.lines.armed else "observe-only until 'pgood arm'"
    print(f"pgood: board {board.board_id}, {armed}, IPMI on {where}", file=sys.stderr, flush=True)
    for line in board.lines.engine.thread_report():
        print(f"pgood: {line}", file=sys.stderr, flush=True)
    await board.closing.wait()
