# SPDX-License-Identifier: Apache-2.0
"""The first user of the IPMI server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.commission.setup.interview import SetupError
from agent.commission.setup.secret_input import read_secret
from agent.store.users import UserRefusal, check_name, check_password, random_password

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.commission.setup.flags import Flags
    from agent.commission.setup.interview import Interview

FIRST_USER = "admin"


@dataclass(frozen=True, slots=True)
class NewUser:
    """`known`: the user is there already, and gets this password. `made_up`: the password is ours, and shown once."""

    name: str
    password: str = field(repr=False)
    known: bool
    made_up: bool


def ask_user(interview: Interview, flags: Flags, known: Collection[str]) -> NewUser | None:
    """None = the users stay as they are. Raises SetupError."""
    if flags.user is None and known:
        interview.say()
        interview.say(f"IPMI users: {', '.join(sorted(known))}.")
        if not interview.agrees("Make another one?", suggestion=False):
            return None
    elif flags.user is None and interview.asks:
        interview.say()
        interview.say("The first user may do everything over IPMI.")
    suggestion = FIRST_USER if interview.asks and FIRST_USER not in known else None
    name = interview.answer("--user", flags.user, "Name of the user", suggestion, _name)
    if flags.password_file is not None:
        try:
            password = _password(read_secret(flags.password_file))
        except ValueError as error:
            raise SetupError(f"--password-file: {error}") from error
        return NewUser(name, password, name in known, made_up=False)
    if not interview.asks:
        raise SetupError(f"--password-file is missing: a file with the password of user {name}")
    typed = interview.new_secret(
        f"Password of {name}, 1 to 20 characters (Enter alone: one is made and shown once)", _password
    )
    return NewUser(name, typed or random_password(), name in known, made_up=not typed)


def _name(text: str) -> str:
    try:
        check_name(text.encode("ascii"))
    except UnicodeEncodeError as error:
        raise ValueError("a name has printable ASCII characters only") from error
    except UserRefusal as error:
        raise ValueError(str(error)) from error
    return text


def _password(text: str) -> str:
    """Empty is the person's way of asking for one."""
    try:
        if text:
            check_password(text.encode())
    except UserRefusal as error:
        raise ValueError(str(error)) from error
    return text
