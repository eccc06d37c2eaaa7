# SPDX-License-Identifier: Apache-2.0
"""A child process that answers lines of JSON: started when needed, killed when it hangs, given rest when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

FIRST_REST_S = 1.0
LONGEST_REST_S = 60.0
MAX_LINE_BYTES = 65_536


class ChildFailed(Exception):
    """The child gave no answer, or an error; one sentence without the place."""


class Child:
    """Used on the loop's thread; one request at a time, others wait for their turn within their deadline."""

    def __init__(self, module: str, greeting: Mapping[str, object], rest_s: float = FIRST_REST_S) -> None:
        """`greeting` is the child's first line: secrets travel there, never as argument or environment."""
        self._module = module
        self._greeting = dict(greeting)
        self._first_rest_s = self._rest_s = rest_s
        self._process: asyncio.subprocess.Process | None = None
        self._dying: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._number = 0
        self._rests_until_s = 0.0
        self._why = ""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def call(self, request: Mapping[str, object], within_s: float) -> dict[str, Any]:
        """The child's answer. Raises ChildFailed; a child that is late is killed, so that nothing is done late."""
        asked = False
        try:
            async with asyncio.timeout(within_s), self._turn:
                asked = True
                return await self._call(request)
        except TimeoutError as error:
            if not asked:
                raise ChildFailed("busy with earlier requests") from error
            self._ended(f"no answer within {within_s:g} s")
            raise ChildFailed(self._why) from error

    async def close(self) -> None:
        """End the child, and wait until it is gone."""
        self._give_up()
        await asyncio.gather(*self._dying)

    async def _call(self, request: Mapping[str, object]) -> dict[str, Any]:
        if time.monotonic() < self._rests_until_s:
            raise ChildFailed(self._why)
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        self._number += 1
        done = False
        try:
            process.stdin.write(json.dumps({**request, "id": self._number}).encode() + b"\n")
            await process.stdin.drain()
            answer = _decoded(await process.stdout.readline(), self._number)
            done = True
        except (OSError, ValueError) as error:
            self._ended(f"its child process failed: {error}")
            raise ChildFailed(self._why) from error
        finally:
            if not done and self._process is process:  # cancelled: the answer to come is nobody's
                self._give_up()
        if "error" in answer:
            why = _readable(str(answer["error"]))
            if answer.get("end"):
                self._ended(why)
            raise ChildFailed(why)
        self._rest_s = self._first_rest_s
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment,
                limit=MAX_LINE_BYTES,
            )
        except OSError as error:
            self._ended(f"its child process cannot be started: {error.strerror}")
            raise ChildFailed(self._why) from error
        assert process.stdin is not None
        process.stdin.write(json.dumps(self._greeting).encode() + b"\n")
        self._process = process
        return process

    def _ended(self, why: str) -> None:
        """The next child comes after a rest, which doubles with each failure: a BMC locks accounts out."""
        self._give_up()
        self._why = why
        self._rests_until_s = time.monotonic() + self._rest_s
        self._rest_s = min(LONGEST_REST_S, 2 * self._rest_s)

    def _give_up(self) -> None:
        """Kill the child; what is left of it is cleared away while others go on."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            task = asyncio.create_task(_cleared_away(process), name="child-end")
            self._dying.add(task)
            task.add_done_callback(self._dying.discard)


def _decoded(line: bytes, number: int) -> dict[str, Any]:
    """Raises ValueError for anything but the answer to request `number`."""
    if not line:
        raise ValueError("it ended")
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it answered with no JSON") from None
    if not isinstance(answer, dict) or answer.get("id") != number:
        raise ValueError("it answered another question")
    return answer


def _readable(text: str) -> str:
    return "".join(character for character in text[:200] if character.isprintable())


async def _cleared_away(process: asyncio.subprocess.Process) -> None:
    """Read what is left in its pipes, else they would stay open."""
    with contextlib.suppress(OSError, ValueError):
        await process.communicate()
