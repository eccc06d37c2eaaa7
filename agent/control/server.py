# SPDX-License-Identifier: Apache-2.0
"""The agent's end of the local socket: who may ask is decided by the kernel's word on the peer (safety rule 21)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

MODE = 0o660
MAX_REQUEST_BYTES = 65_536
REQUEST_WITHIN_S = 5.0
PEER_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end."""

    uid: int
    name: str

    @property
    def origin(self) -> str:
        return f"local:{self.name}"


class RequestError(Exception):
    """A request that cannot be served; the text goes to the peer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One method: whether it acts (operators only) and what serves it. A stream yields many answers."""

    acts: bool
    serve: Callable[[Mapping[str, Any], Peer], Awaitable[object]] | None = None
    stream: Callable[[Mapping[str, Any], Peer], AsyncIterator[object]] | None = None


def may_not_act(peer: Peer) -> str:
    return f"{peer.name} may look but not act: use sudo, or add the name to local.operators in the site file"


class Methods(Protocol):
    def table(self) -> Mapping[str, Entry]: ...

    def may_act(self, peer: Peer) -> bool: ...


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    method: str
    args: dict[str, Any] = {}


class ControlServer:
    """Used on the loop's thread."""

    def __init__(self, methods: Methods, path: Path) -> None:
        self._methods = methods
        self._path = path
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. A socket file left by a killed agent is replaced: the state directory's lock says we are alone."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        old_mask = os.umask(0o777 & ~MODE)
        try:
            self._server = await asyncio.start_unix_server(self._connected, self._path, limit=MAX_REQUEST_BYTES)
        finally:
            os.umask(old_mask)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), REQUEST_WITHIN_S)
            request = msgspec.json.decode(line, type=_Request)
            entry = self._methods.table().get(request.method)
            if entry is None:
                raise RequestError(f"unknown method {request.method!r}")
            peer = _peer(writer)
            if entry.acts and not self._methods.may_act(peer):
                raise RequestError(may_not_act(peer))
            if entry.serve:
                await _send(writer, {"result": await entry.serve(request.args, peer)})
            elif entry.stream:
                async for answer in entry.stream(request.args, peer):
                    await _send(writer, {"result": answer})
        except (RequestError, msgspec.MsgspecError, ValueError, TimeoutError) as error:
            await _send(writer, {"error": str(error) or "the request did not come in time"})


async def _send(writer: asyncio.StreamWriter, answer: dict[str, object]) -> None:
    writer.write(msgspec.json.encode(answer) + b"\n")
    await writer.drain()


def _peer(writer: asyncio.StreamWriter) -> Peer:
    connection: socket.socket = writer.get_extra_info("socket")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size)
    _, uid, _ = PEER_CREDENTIALS.unpack(raw)
    return Peer(uid, _user_name(uid))


def _user_name(uid: int) -> str:

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid{uid}"
