# SPDX-License-Identifier: Apache-2.0
"""From a request to its handler: one table, checked in one order."""

from __future__ import annotations

import enum
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from ipmi.completion import Completion
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.board import Privilege
    from ipmi.counters import Tally
    from ipmi.request import Request

log = logging.getLogger(__name__)


class Coded(NamedTuple):
    """A completion code of a command's own that comes with data."""

    code: enum.IntEnum
    data: bytes


Answer = bytes | enum.IntEnum | Coded
"""What a handler returns: the data after completion code 00h, another completion code, or such a code with data."""
Handler = Callable[["Request"], Answer]
SlowHandler = Callable[["Request"], Awaitable[Answer]]

_GROUP_LENGTH = {NetFn.GROUP: 1, NetFn.OEM_GROUP: 3}
"""Leading data bytes that say which group a command belongs to."""


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the command table.

    A plain handler answers at once; a coroutine function runs beside the receive path, with a deadline.
    """

    netfn: int
    code: int
    name: str
    privilege: Privilege | None
    """Level needed; None = may be asked outside a session."""
    handler: Handler | SlowHandler
    minimum: int = 0
    """Shortest data, counted without the bytes of a group."""
    maximum: int | None = None
    """Longest data; None = no limit."""
    group: bytes = b""
    """Defining body of a group extension: one byte for netFn 2Ch, three for 2Eh."""
    once: bool = False
    """A repetition in the same session within seconds is the client's retry and must not act again. Only for
    coroutine handlers."""

    @property
    def slow(self) -> bool:
        return inspect.iscoroutinefunction(self.handler)


class CommandTable:
    """Every command that the server knows. Open to additions: OEM sets and group extensions register here."""

    def __init__(self, commands: Iterable[Command] = ()) -> None:
        self._rows: dict[tuple[int, int, bytes], tuple[Command, bool]] = {}
        for command in commands:
            self.register(command)

    def register(self, command: Command) -> None:
        """Add a command; ValueError when its place is taken or its row contradicts itself."""
        key = (command.netfn, command.code, command.group)
        if key in self._rows:
            raise ValueError(f"{command.name}: {self._rows[key][0].name} is registered there")
        if len(command.group) != _GROUP_LENGTH.get(cast("NetFn", command.netfn), 0):
            raise ValueError(f"{command.name}: wrong length of group")
        if command.once and not command.slow:
            raise ValueError(f"{command.name}: only a coroutine handler can be guarded against repetition")
        self._rows[key] = (command, command.slow)

    def commands(self) -> list[Command]:
        """All rows in the order of netFn and command."""
        return [self._rows[key][0] for key in sorted(self._rows)]

    def find(self, request: Request) -> tuple[Command, bool] | None:
        """The row for a request and whether it is slow."""
        length = _GROUP_LENGTH.get(cast("NetFn", request.netfn), 0)
        return self._rows.get((request.netfn, request.command, request.data[:length] if length else b""))


class Dispatcher:
    """Runs plain handlers and judges slow ones. Unknown commands are told apart before privileges are looked at,
    because clients probe for extensions at any level."""

    def __init__(self, table: CommandTable, tally: Tally) -> None:
        self._table = table
        self._tally = tally

    def answer(self, request: Request, lun: int) -> bytes | Command:
        """The body of the answer (completion code and data), or the command to be run by SlowCommands."""
        found = self._table.find(request)
        if found is None:
            return bytes((Completion.INVALID_COMMAND,))
        command, slow = found
        if lun:
            return body(Completion.INVALID_FOR_LUN, command)
        if command.privilege is not None and request.caller.privilege < command.privilege:
            return body(Completion.INSUFFICIENT_PRIVILEGE, command)
        length = len(request.data) - len(command.group)
        if length < command.minimum or (command.maximum is not None and length > command.maximum):
            return body(Completion.LENGTH_INVALID, command)
        if slow:
            return command
        try:
            return body(cast("Handler", command.handler)(inner(request, command)), command)
        except Exception:
            self._tally.failures += 1
            log.exception("%s failed", command.name)
            return body(Completion.UNSPECIFIED, command)


def inner(request: Request, command: Command) -> Request:
    """The request as its handler sees it: without the bytes that name the group."""
    return request._replace(data=request.data[len(command.group) :]) if command.group else request


def body(answer: Answer, command: Command) -> bytes:
    """Completion code, group bytes and data as they go into the response."""
    if isinstance(answer, bytes):
        return b"\0" + command.group + answer
    if isinstance(answer, Coded):
        return bytes((answer.code,)) + command.group + answer.data
    return bytes((answer,)) + command.group
