# SPDX-License-Identifier: Apache-2.0
"""`pgood user init`: make the first administrator, and show its password once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.board.state_dir import StateDir, StateDirError
from agent.cli.failure import Failure
from agent.cli.places import run_state_dir
from agent.store.users import USERS, UserFile, UsersError

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("user", help="users of the IPMI server")
    inner = parser.add_subparsers(metavar="init", required=True)
    init = inner.add_parser("init", help="make the first administrator; its password is shown once")
    init.add_argument("--name", default="admin", help="its name, at most 16 characters (default: admin)")
    init.add_argument("--state-dir", type=Path, metavar="DIR", help="the state directory of the agent")
    init.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    name = arguments.name
    if not (name.isascii() and name.isprintable() and 1 <= len(name) <= 16) or " " in name:
        raise Failure(f"user name {name!r}: 1 to 16 printable ASCII characters, no space")
    try:
        state = StateDir(arguments.state_dir or run_state_dir())
    except StateDirError as error:
        raise Failure(f"{error} (users are made while the agent is stopped)") from error
    try:
        password = UserFile(state.path / USERS).create_first(name)
    except UsersError as error:
        raise Failure(str(error)) from error
    finally:
        state.close()
    print(f"user {name}, password {password}")
    print(
        "This is the only time it is shown. It is kept, readable by this user only, because IPMI needs it in the clear."
    )
    return 0
