# SPDX-License-Identifier: Apache-2.0
"""A change of a user as the command line asks for it, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from agent.store.users import UserRefusal
from ipmi.board import Privilege, UserChange, UserReply

if TYPE_CHECKING:
    from agent.store.users import UserFile
    from ipmi.board import User

PRIVILEGES = {
    "none": Privilege.NO_ACCESS,
    "callback": Privilege.CALLBACK,
    "user": Privilege.USER,
    "operator": Privilege.OPERATOR,
    "administrator": Privilege.ADMINISTRATOR,
}


class UserRequest(msgspec.Struct, forbid_unknown_fields=True):
    verb: Literal["add", "passwd", "priv", "enable", "disable", "delete"]
    name: str
    password: str = ""
    privilege: str = ""


def resolve(users: UserFile, request: UserRequest) -> tuple[int, UserChange, bytes]:
    """The id, the change, and the name whose sessions are to end. Raises UserRefusal."""
    try:
        name = request.name.encode("ascii")
    except UnicodeEncodeError:
        raise UserRefusal(UserReply.INVALID, "a name has printable ASCII characters only") from None
    known = users.by_name(name)
    if request.verb == "add":
        if known is not None:
            raise UserRefusal(UserReply.INVALID, f"there is a user {request.name} already")
        if not name:
            raise UserRefusal(UserReply.INVALID, "a name has 1 to 16 characters")
        change = UserChange(
            name=name,
            password=request.password.encode(),
            privilege=_privilege(request.privilege or "administrator"),
            enabled=True,
        )
        return users.free_id(), change, b""
    if known is None:
        raise UserRefusal(UserReply.INVALID, f"there is no user {request.name!r}; 'pgood user list' names them")
    match request.verb:
        case "passwd":
            change = UserChange(password=request.password.encode())
        case "priv":
            change = UserChange(privilege=_privilege(request.privilege))
        case "enable" | "disable":
            change = UserChange(enabled=request.verb == "enable")
        case "delete":
            change = UserChange(name=b"")
    return known.user_id, change, name


def listed(user: User) -> dict[str, object]:
    """A user without its password."""
    return {
        "id": user.user_id,
        "name": user.name.decode("latin-1"),
        "privilege": user.privilege.name.lower(),
        "enabled": user.enabled and user.messaging,
        "sol": user.sol,
        "can_log_in": bool(user.enabled and user.messaging and user.name and user.password and user.privilege),
    }


def _privilege(word: str) -> Privilege:
    if word not in PRIVILEGES:
        raise UserRefusal(UserReply.INVALID, f"privilege {word!r}: one of {', '.join(PRIVILEGES)}")
    return PRIVILEGES[word]
