# SPDX-License-Identifier: Apache-2.0
"""What a command handler sees of a request: no session, no socket, no bytes other than the command's own data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

NO_PRIVILEGE: Final = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request and what they may do now."""

    session_id: int
    """The BMC's id of the session; 0 = sent outside any session."""
    user_id: int
    name: bytes
    privilege: int
    """Present level; NO_PRIVILEGE outside a session."""
    limit: int
    """Level that Set Session Privilege Level may reach."""
    address: str

    @property
    def origin(self) -> str:
        """`ipmi:USER@ADDRESS` for audit trails; bytes that are not printable ASCII are escaped."""
        return f"ipmi:{printable(self.name)}@{self.address}"


class Request(NamedTuple):
    """A command with its data. For group extensions the group's own bytes are no longer part of the data."""

    netfn: int
    command: int
    data: bytes
    caller: Caller


def printable(name: bytes) -> str:
    """A user name for logs: bytes that are not printable ASCII become `\\xNN`."""
    return "".join(chr(byte) if 0x21 <= byte <= 0x7E else f"\\x{byte:02x}" for byte in name)
