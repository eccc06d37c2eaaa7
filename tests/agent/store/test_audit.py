# SPDX-License-Identifier: Apache-2.0
"""The audit trail: appended, rotated, torn lines spoil no others, a full disk is counted."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from agent.store.audit import NAME, AuditTrail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


def on_a_trail(folder: Path, story: Callable[[AuditTrail], Awaitable[None]], **more: int) -> None:
    async def run() -> None:
        with ThreadPoolExecutor(1) as thread:
            trail = AuditTrail(folder, thread, **more)
            await story(trail)
            await trail.close()

    asyncio.run(run())


def test_lines_are_kept_in_order_over_restarts(tmp_path: Path) -> None:
    for first in (0, 10):

        async def story(trail: AuditTrail, first: int = first) -> None:
            for number in range(first, first + 10):
                trail.note({"n": number})

        on_a_trail(tmp_path, story)

    async def look(trail: AuditTrail) -> None:
        assert [line["n"] for line in await trail.latest(100)] == list(range(20))
        assert [line["n"] for line in await trail.latest(3)] == [17, 18, 19]
        assert await trail.latest(0) == []

    on_a_trail(tmp_path, look)
    assert (tmp_path / NAME).stat().st_mode & 0o007 == 0


def test_rotation_keeps_the_newest_and_a_bound(tmp_path: Path) -> None:
    async def story(trail: AuditTrail) -> None:
        for number in range(200):
            trail.note({"n": number})
            await trail.close()
        numbers = [line["n"] for line in await trail.latest(1000)]
        assert numbers == list(range(200 - len(numbers), 200))

    on_a_trail(tmp_path, story, max_bytes=100, kept_files=3)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == [NAME, f"{NAME}.1", f"{NAME}.2"]
    assert all(file.stat().st_size <= 100 for file in tmp_path.iterdir())


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b'{"n":0}\n{"n":1,"who":"ro')

    async def story(trail: AuditTrail) -> None:
        trail.note({"n": 2})
        assert [line["n"] for line in await trail.latest(10)] == [0, 2]

    on_a_trail(tmp_path, story)


def test_a_disk_that_takes_nothing_is_counted_and_stops_nobody(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    async def story(trail: AuditTrail) -> None:
        trail.note({"n": 1})
        await trail.close()
        os.rename(gone, tmp_path / "elsewhere")
        trail.note({"n": 2})
        await trail.close()
        assert trail.failures == 1
        os.rename(tmp_path / "elsewhere", gone)
        trail.note({"n": 3})
        assert [line["n"] for line in await trail.latest(10)] == [1, 3]

    on_a_trail(gone, story)
