# SPDX-License-Identifier: Apache-2.0
"""The users file: names, passwords and privileges, mode 0600.

Passwords are stored as they are because RAKP authenticates with the password itself as the key: whoever checks it
must know it (IPMI 2.0 section 13.31). Hence long random passwords, and a file that only the agent's user reads.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import string
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from agent.store.private import write_private
from ipmi.board import MAX_NAME, MAX_PASSWORD, MAX_USERS, Privilege, User, UserReply

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ipmi.board import UserChange

log = logging.getLogger(__name__)

USERS = "users.json"
"""The name of the file in the state directory."""
PASSWORD_LENGTH = 16
FIRST_USER_ID = 2
"""By habit: in other controllers user 1 is the null user, which does not exist here."""


class UsersError(Exception):
    """The users file cannot be used; the text names it and the cure."""


class UserRefusal(Exception):
    """A change of a user that cannot be; `reply` says in which way, the text why."""

    def __init__(self, reply: UserReply, why: str) -> None:
        super().__init__(why)
        self.reply = reply


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    user_id: int
    name: str
    password: str
    privilege: int
    enabled: bool
    messaging: bool = True
    sol: bool = True


def random_password() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(PASSWORD_LENGTH))


def changed(users: Sequence[User], user_id: int, change: UserChange) -> tuple[User, ...]:
    """All users after a change of one of them, which is made if it is not there. Raises UserRefusal."""
    if not 1 <= user_id <= MAX_USERS:
        raise UserRefusal(UserReply.INVALID, f"user ids are 1 to {MAX_USERS}")
    old = next((user for user in users if user.user_id == user_id), None)
    others = [user for user in users if user is not old]
    if change.name == b"":
        after = others
    else:
        _check(change, others)
        fields = {name: value for name in change.__slots__ if (value := getattr(change, name)) is not None}
        base = old or User(user_id, b"", b"", Privilege.NO_ACCESS, enabled=False)
        after = sorted([*others, replace(base, **fields)], key=lambda user: user.user_id)
    if any(map(_administrates, users)) and not any(map(_administrates, after)):
        raise UserRefusal(UserReply.LAST_ADMINISTRATOR, "nobody would be left who can administrate")
    return tuple(after)


def _check(change: UserChange, others: Sequence[User]) -> None:
    if change.name is not None:
        check_name(change.name)
        if any(user.name == change.name for user in others):
            raise UserRefusal(UserReply.INVALID, f"there is a user {change.name.decode('latin-1')} already")
    if change.password is not None:
        check_password(change.password)


def check_name(name: bytes) -> None:
    """Raises UserRefusal."""
    text = name.decode("latin-1")
    if not (text.isascii() and text.isprintable() and " " not in text and 1 <= len(text) <= MAX_NAME):
        raise UserRefusal(UserReply.INVALID, f"a name has 1 to {MAX_NAME} printable ASCII characters, no space")


def check_password(password: bytes) -> None:
    """Raises UserRefusal."""
    if not 1 <= len(password) <= MAX_PASSWORD or 0 in password:
        raise UserRefusal(UserReply.INVALID, f"a password has 1 to {MAX_PASSWORD} bytes")


def _administrates(user: User) -> bool:
    usable = user.enabled and user.messaging and user.name and user.password
    return bool(usable) and user.privilege is Privilege.ADMINISTRATOR


class UserFile:
    """Implements ipmi.board.Users."""

    def __init__(self, file: Path) -> None:
        """Raises UsersError."""
        self._file = file
        self._users = self._load()
        self._one_at_a_time = asyncio.Lock()

    def all(self) -> Sequence[User]:
        return self._users

    def by_name(self, name: bytes) -> User | None:
        return next((user for user in self._users if user.name and user.name == name), None)

    def free_id(self) -> int:
        """The id of the next user to be made. Raises UserRefusal."""
        taken = {user.user_id for user in self._users}
        free: list[int] = [number for number in range(1, MAX_USERS + 1) if number not in taken]
        if free:
            return next((number for number in free if number >= FIRST_USER_ID), free[0])
        raise UserRefusal(UserReply.INVALID, f"there are {MAX_USERS} users already, the most that IPMI knows")

    def create_first(self, name: str) -> str:
        """Make the first administrator and return its random password. Raises UsersError."""
        if self._users:
            raise UsersError(f"{self._file}: there are users already")
        password = random_password()
        users = (User(FIRST_USER_ID, name.encode(), password.encode(), Privilege.ADMINISTRATOR),)
        self._save(users)
        self._users = users
        return password

    def change_now(self, user_id: int, change: UserChange) -> None:
        """Change a user, waiting for the disk: for commands without an agent. Raises UserRefusal, UsersError."""
        users = changed(self._users, user_id, change)
        self._save(users)
        self._users = users

    async def apply(self, user_id: int, change: UserChange, origin: str) -> None:
        """Change a user; the file is written off the loop. Raises UserRefusal, UsersError."""
        async with self._one_at_a_time:
            users = changed(self._users, user_id, change)
            await asyncio.to_thread(self._save, users)
            self._users = users
        what = ", ".join(name for name in change.__slots__ if getattr(change, name) is not None)
        log.info("user %d: %s changed by %s", user_id, what, origin)

    async def change(self, user_id: int, change: UserChange, origin: str) -> UserReply:
        try:
            await self.apply(user_id, change, origin)
        except UserRefusal as refusal:
            return refusal.reply
        except UsersError as error:
            log.error("%s", error)
            return UserReply.NOT_STORED
        return UserReply.DONE

    def _load(self) -> tuple[User, ...]:
        try:
            if self._file.stat().st_mode & 0o077:
                raise UsersError(f"{self._file}: others may read it; run: chmod 600 {self._file}")
            rows = msgspec.json.decode(self._file.read_bytes(), type=list[_Row])
            return tuple(_user(row) for row in rows)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UsersError(f"{self._file}: cannot be read: {error.strerror or error}") from error
        except (msgspec.MsgspecError, ValueError) as error:
            raise UsersError(f"{self._file}: is damaged ({error}); delete it and run 'pgood user init'") from error

    def _save(self, users: Sequence[User]) -> None:
        rows = [
            _Row(
                user.user_id,
                user.name.decode("latin-1"),
                user.password.decode("latin-1"),
                int(user.privilege),
                user.enabled,
                user.messaging,
                user.sol,
            )
            for user in users
        ]
        try:
            write_private(self._file, msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
        except OSError as error:
            raise UsersError(f"{self._file}: cannot be written: {error.strerror or error}") from error


def _user(row: _Row) -> User:
    """Bytes that are no text keep their value through latin-1. Raises ValueError."""
    return User(
        row.user_id,
        row.name.encode("latin-1"),
        row.password.encode("latin-1"),
        Privilege(row.privilege),
        row.enabled,
        row.messaging,
        row.sol,
    )
