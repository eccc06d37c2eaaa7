# SPDX-License-Identifier: Apache-2.0
"""`pgood arm` and `pgood disarm`: whether a real board may drive its outputs (safety rule 10)."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

from agent.board.armed import arm, disarm
from agent.board.lines import GUARD_SOCKET
from agent.cli.ask import ask
from agent.cli.failure import Failure
from agent.cli.places import has_agent, run_state_dir
from agent.service.owner import become_owner
from native import GuardAliveError, LineError, LineGuard

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, help_text in (
        ("arm", "let the agent drive this board's outputs (check the wiring first: docs/wiring.md)"),
        ("disarm", "observe only from the next start on, and give the outputs back to the kernel"),
    ):
        parser = verbs.add_parser(name, help=help_text)
        parser.add_argument("--state-dir", type=Path, metavar="DIR", help="the state directory of the agent")
        parser.set_defaults(run=run_arm if name == "arm" else run_disarm)


def run_arm(arguments: argparse.Namespace) -> int:
    state_dir: Path = arguments.state_dir or run_state_dir()
    arguments.state_dir = state_dir
    if has_agent(state_dir):
        print(ask(arguments, "arm")["text"])
        return 0
    become_owner(state_dir)
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
        arm(state_dir, f"local:{getpass.getuser()}")
    except OSError as error:
        raise Failure(f"{state_dir}: {error.strerror or error}") from error
    print("the board is armed; its outputs are taken when the agent starts")
    return 0


def run_disarm(arguments: argparse.Namespace) -> int:
    state_dir: Path = arguments.state_dir or run_state_dir()
    become_owner(state_dir)
    try:
        descriptors = LineGuard.take_over(state_dir / GUARD_SOCKET)
    except GuardAliveError as error:
        raise Failure("outputs are not given back while the agent runs: stop it first, then disarm") from error
    except LineError as error:
        raise Failure(str(error)) from error
    for descriptor in descriptors.values():
        os.close(descriptor)
    try:
        disarm(state_dir)
    except OSError as error:
        raise Failure(f"{state_dir}: {error.strerror or error}") from error
    print(f"observe-only from the next start on; {len(descriptors)} lines given back to the kernel")
    return 0
