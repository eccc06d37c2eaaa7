# SPDX-License-Identifier: Apache-2.0
"""Runs one external command: no shell, a small environment, a deadline, bounded output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_OUTPUT_BYTES = 16_384
"""What a command writes beyond this is read and dropped."""
REAP_S = 1.0
"""What was killed ends within this, unless the kernel holds it."""
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
KEPT = ("HOME",)
"""Variables of the agent that a command gets: `ssh` looks for its keys there."""

Argv = tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=4096, pattern="^[^\0]*$")], ...]
"""A program and its arguments."""


class CommandFailed(Exception):
    """A command could not be run, or did not end in time; one sentence, without the place."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """`code` as the shell counts: 128 + N for signal N. Output is text of at most MAX_OUTPUT_BYTES."""

    code: int
    output: str
    first_error_line: str


async def run(argv: Sequence[str], within_s: float) -> CommandResult:
    """Run a command to its end. Raises CommandFailed; at the deadline the command's whole group is killed."""
    transport, protocol = await _started(argv)
    try:
        async with asyncio.timeout(within_s):
            await asyncio.shield(protocol.ended)
    except TimeoutError as error:
        raise CommandFailed(f"{argv[0]!r} did not end within {within_s:g} s") from error
    finally:
        await _end(transport, protocol)
    code = transport.get_returncode() or 0
    return CommandResult(code if code >= 0 else 128 - code, protocol.text(1), _first_line(protocol.text(2)))


class _Collector(asyncio.SubprocessProtocol):
    """Keeps the first bytes of each stream; `ended` is set when the command and its streams have ended."""

    def __init__(self, ended: asyncio.Future[None]) -> None:
        self.ended = ended
        self._kept = {1: bytearray(), 2: bytearray()}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        kept = self._kept[fd]
        kept += data[: MAX_OUTPUT_BYTES - len(kept)]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def text(self, stream: int) -> str:
        return self._kept[stream].decode("utf-8", "replace")


async def _started(argv: Sequence[str]) -> tuple[asyncio.SubprocessTransport, _Collector]:
    """Start a command. Raises CommandFailed."""
    loop = asyncio.get_running_loop()
    starting = asyncio.ensure_future(
        loop.subprocess_exec(
            lambda: _Collector(loop.create_future()),
            *argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT | {key: os.environ[key] for key in KEPT if key in os.environ},
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The program may run already. Cancelled here, asyncio would kill it alone, and wait for what it has started.
        with contextlib.suppress(OSError, ValueError):
            await _end(*await starting)
        raise
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandFailed(f"{argv[0]!r} cannot be run: {why}") from error


async def _end(transport: asyncio.SubprocessTransport, protocol: _Collector) -> None:
    """Let go of a command; what of it still runs is killed."""
    if not protocol.ended.done():
        _kill(transport)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REAP_S):
                await asyncio.shield(protocol.ended)
    transport.close()


def _kill(transport: asyncio.SubprocessTransport) -> None:
    """End the command and what it started, while its number is surely still its own."""
    if transport.get_returncode() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return "".join(character for character in (lines[0] if lines else "")[:200] if character.isprintable())
