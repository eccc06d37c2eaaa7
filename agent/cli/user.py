# SPDX-License-Identifier: Apache-2.0
"""`pgood user`: the users of the IPMI server. A running agent is asked; without one the users file is changed."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.board.state_dir import StateDir, StateDirError
from agent.cli.failure import EXIT_FAILED, Failure
from agent.cli.places import find_agent, run_state_dir
from agent.control.client import AgentUnreachable, Refused, call
from agent.service.owner import become_owner
from agent.store.user_request import PRIVILEGES, UserRequest, listed, resolve
from agent.store.users import USERS, UserFile, UserRefusal, UsersError, random_password

if TYPE_CHECKING:
    import argparse

SHOWN_ONCE = (
    "This is the only time it is shown. It is kept, readable by this user only, because IPMI needs it in the clear."
)


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("user", help="users of the IPMI server")
    inner = parser.add_subparsers(metavar="VERB", required=True)
    init = inner.add_parser("init", help="make the first administrator; its password is shown once")
    init.add_argument("--name", default="admin", help="its name, at most 16 characters (default: admin)")
    init.set_defaults(run=run_init)
    list_ = inner.add_parser("list", help="show all users, without passwords")
    list_.add_argument("--json", action="store_true", help="as JSON")
    list_.set_defaults(run=run_list)
    for verb, text in (
        ("add", "make a user; its password is shown once, or read from standard input with --stdin"),
        ("passwd", "give a user another password; it is asked for, or read from standard input"),
        ("priv", "set the highest level of a user"),
        ("enable", "let a user log in"),
        ("disable", "let a user no longer log in; its sessions end"),
        ("delete", "remove a user; its sessions end"),
    ):
        sub = inner.add_parser(verb, help=text)
        sub.add_argument("name", metavar="NAME")
        if verb == "priv":
            sub.add_argument("privilege", choices=PRIVILEGES, metavar="|".join(PRIVILEGES))
        if verb == "add":
            sub.add_argument("--privilege", choices=PRIVILEGES, default="administrator", metavar="LEVEL")
            sub.add_argument("--stdin", action="store_true", help="read the password from standard input")
        if verb == "passwd":
            sub.add_argument("--random", action="store_true", help="make one and show it once")
        sub.set_defaults(run=run_change, verb_of_user=verb)
        inner.choices[verb] = sub
    for sub in inner.choices.values():
        sub.add_argument("--state-dir", type=Path, metavar="DIR", help="the state directory of the agent")


def run_init(arguments: argparse.Namespace) -> int:
    name = arguments.name
    if not (name.isascii() and name.isprintable() and 1 <= len(name) <= 16) or " " in name:
        raise Failure(f"user name {name!r}: 1 to 16 printable ASCII characters, no space")
    try:
        state = _state(arguments)
    except StateDirError as error:
        raise Failure(f"{error} (the first user is made while the agent is stopped)") from error
    try:
        password = UserFile(state.path / USERS).create_first(name)
    except UsersError as error:
        raise Failure(str(error)) from error
    finally:
        state.close()
    print(f"user {name}, password {password}")
    print(SHOWN_ONCE)
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    try:
        users = call(find_agent(arguments.state_dir), "users")
    except AgentUnreachable:
        users = _without_agent(arguments, None)
    if arguments.json:
        print(json.dumps(users))
        return 0
    print(f"{'ID':>2}  {'NAME':16}  {'LEVEL':13}  STATE")
    for user in users:
        state = "enabled" if user["enabled"] else "disabled"
        print(f"{user['id']:>2}  {user['name']:16}  {user['privilege']:13}  {state}")
    return 0


def run_change(arguments: argparse.Namespace) -> int:
    verb, shown = arguments.verb_of_user, False
    request = UserRequest(verb, arguments.name, privilege=getattr(arguments, "privilege", ""))
    if verb in ("add", "passwd"):
        shown = arguments.random if verb == "passwd" else not arguments.stdin
        request.password = random_password() if shown else _password(arguments.name)
    change_user(arguments, request)
    print(f"user {request.name}: {verb} done")
    if shown:
        print(f"password {request.password}")
        print(SHOWN_ONCE)
    return 0


def change_user(arguments: argparse.Namespace, request: UserRequest) -> None:
    """By the agent, or in the users file while none runs; `arguments.state_dir` says where. Raises Failure."""
    args = {"verb": request.verb, "name": request.name, "password": request.password, "privilege": request.privilege}
    try:
        call(find_agent(arguments.state_dir), "user", **args)
    except AgentUnreachable:
        _without_agent(arguments, request)
    except Refused as error:
        raise Failure(str(error), EXIT_FAILED) from error


def _password(name: str) -> str:
    """From the terminal, typed twice, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Once more: ") != first:
        raise Failure("the two passwords differ")
    return first


def _state(arguments: argparse.Namespace) -> StateDir:
    """The state directory, held as the user whose it is. Raises StateDirError."""
    folder: Path = arguments.state_dir or run_state_dir()
    become_owner(folder)
    return StateDir(folder)


def _without_agent(arguments: argparse.Namespace, request: UserRequest | None) -> list[dict[str, object]]:
    """Change the users file (or only read it) while no agent runs."""
    try:
        state = _state(arguments)
    except StateDirError as error:
        raise Failure(str(error)) from error
    try:
        users = UserFile(state.path / USERS)
        if request is not None:
            user_id, change, _ = resolve(users, request)
            users.change_now(user_id, change)
        return [listed(user) for user in users.all()]
    except UserRefusal as error:
        raise Failure(str(error), EXIT_FAILED) from error
    except UsersError as error:
        raise Failure(str(error)) from error
    finally:
        state.close()
