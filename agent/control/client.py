# SPDX-License-Identifier: Apache-2.0
"""The command line's end of the local socket. Blocking; used by short-lived commands."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class AgentUnreachable(Exception):
    """No agent answers; one sentence with the cure."""


class Refused(Exception):
    """The agent refused the request, and says why."""


@contextlib.contextmanager
def _connect(path: Path) -> Iterator[socket.socket]:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except PermissionError as error:
        connection.close()
        raise AgentUnreachable(f"no permission for {path}: use the agent's group, or sudo") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        connection.close()
        raise AgentUnreachable(
            f"no agent runs with the state directory {path.parent}: start one (pgood demo, pgood run),"
            " or name its directory with --state-dir"
        ) from error
    except OSError as error:
        connection.close()
        raise AgentUnreachable(f"{path}: {error.strerror or error}") from error
    with connection:
        yield connection


def stream(path: Path, method: str, **args: object) -> Iterator[Any]:
    """Send one request and yield every answer. Raises AgentUnreachable, Refused."""
    with _connect(path) as connection:
        connection.sendall(msgspec.json.encode({"method": method, "args": args}) + b"\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                answer = msgspec.json.decode(line)
                if "error" in answer:
                    raise Refused(answer["error"])
                yield answer["result"]


def call(path: Path, method: str, **args: object) -> Any:
    """Send one request and return its answer. Raises AgentUnreachable, Refused."""
    for result in stream(path, method, **args):
        return result
    raise AgentUnreachable("the agent ended before it answered")
