# SPDX-License-Identifier: Apache-2.0
"""The users of a board, and how they are changed."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Privilege(enum.IntEnum):
    """Levels of a session, and the highest level of a user."""

    NO_ACCESS = 0
    """Fh on the wire: a user who may not log in."""
    CALLBACK = 1
    USER = 2
    OPERATOR = 3
    ADMINISTRATOR = 4


MAX_USERS = 15
MAX_NAME = 16
MAX_PASSWORD = 20


@dataclass(frozen=True, slots=True)
class User:
    """One user. Without a name or a password nobody can log in as it."""

    user_id: int
    name: bytes
    password: bytes = field(repr=False)
    privilege: Privilege
    """The limit on the LAN channel."""
    enabled: bool = True
    messaging: bool = True
    """Whether it may log in over the channel at all."""
    sol: bool = True
    """Whether it may use the serial console."""


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to become of one user; None = stays as it is."""

    name: bytes | None = None
    """Empty = the user is removed."""
    password: bytes | None = field(default=None, repr=False)
    privilege: Privilege | None = None
    enabled: bool | None = None
    messaging: bool | None = None
    sol: bool | None = None


class UserReply(enum.Enum):
    DONE = enum.auto()
    INVALID = enum.auto()
    """A name or a password that cannot be, or a name that another user has."""
    LAST_ADMINISTRATOR = enum.auto()
    """Nobody would be left who can administrate."""
    NOT_STORED = enum.auto()


class Users(Protocol):
    def by_name(self, name: bytes) -> User | None: ...

    def all(self) -> Sequence[User]: ...

    async def change(self, user_id: int, change: UserChange, origin: str) -> UserReply:
        """Change, make or remove the user with this id (1 to 15), durably. Sessions are the caller's matter."""
        ...
