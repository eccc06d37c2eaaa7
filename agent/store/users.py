# SPDX-License-Identifier: Apache-2.0
"""The users file: names, passwords and privileges, mode 0600.

Passwords are stored as they are because RAKP authenticates with the password itself as the key: whoever checks it
must know it (IPMI 2.0 section 13.31). Hence long random passwords, and a file that only the agent's user reads.
"""

from __future__ import annotations

import os
import secrets
import string
from typing import TYPE_CHECKING

import msgspec

from ipmi.board import Privilege, User

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

USERS = "users.json"
"""The name of the file in the state directory."""
PASSWORD_LENGTH = 16
FIRST_USER_ID = 2
"""User 1 is the null user in IPMI; it never exists here."""
MAX_USERS = 15


class UsersError(Exception):
    """The users file cannot be used; the text names it and the cure."""


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    user_id: int
    name: str
    password: str
    privilege: int
    enabled: bool


class UserFile:
    """Implements ipmi.board.Users."""

    def __init__(self, file: Path) -> None:
        """Raises UsersError."""
        self._file = file
        self._users = self._load()

    def all(self) -> Sequence[User]:
        return self._users

    def by_name(self, name: bytes) -> User | None:
        return next((user for user in self._users if user.name == name), None)

    def create_first(self, name: str) -> str:
        """Make the first administrator and return its random password. Raises UsersError."""
        if self._users:
            raise UsersError(f"{self._file}: there are users already")
        password = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(PASSWORD_LENGTH))
        self._users = (User(FIRST_USER_ID, name.encode(), password.encode(), Privilege.ADMINISTRATOR),)
        self._save()
        return password

    def _load(self) -> tuple[User, ...]:
        try:
            if self._file.stat().st_mode & 0o077:
                raise UsersError(f"{self._file}: others may read it; run: chmod 600 {self._file}")
            rows = msgspec.json.decode(self._file.read_bytes(), type=list[_Row])
            return tuple(
                User(row.user_id, row.name.encode(), row.password.encode(), Privilege(row.privilege), row.enabled)
                for row in rows
            )
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UsersError(f"{self._file}: cannot be read: {error.strerror or error}") from error
        except (msgspec.MsgspecError, ValueError) as error:
            raise UsersError(f"{self._file}: is damaged ({error}); delete it and run 'pgood user init'") from error

    def _save(self) -> None:
        rows = [
            _Row(user.user_id, user.name.decode(), user.password.decode(), int(user.privilege), user.enabled)
            for user in self._users
        ]
        try:
            write_private(self._file, msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
        except OSError as error:
            raise UsersError(f"{self._file}: cannot be written: {error.strerror or error}") from error


def write_private(file: Path, content: bytes) -> None:
    """Replace a file of mode 0600 in one step that survives a power cut. Raises OSError."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
