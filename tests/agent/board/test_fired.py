# SPDX-License-Identifier: Apache-2.0
"""The file that remembers which interlocks have fired."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from agent.board.fired import FILE, FiredInterlocks

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_state_is_in_the_file_whatever_came_between(tmp_path: Path) -> None:
    async def story() -> None:
        record = FiredInterlocks(tmp_path)
        assert record.names == frozenset()
        record.keep(["a"])
        await asyncio.sleep(0)
        record.keep(["a", "b"])
        record.keep(["b"])
        await record.close()

    asyncio.run(story())
    assert FiredInterlocks(tmp_path).names == {"b"}
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"[1]", b"\xff\xfe"])
def test_a_broken_file_remembers_nothing_and_says_so(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert FiredInterlocks(tmp_path).names == frozenset()
    assert "may act again" in caplog.text


def test_a_disk_that_refuses_is_tried_again_with_the_next_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / (FILE + ".new")).mkdir()

    async def story() -> None:
        record = FiredInterlocks(tmp_path)
        record.keep(["a"])
        await record.close()
        assert "not written" in caplog.text
        assert not (tmp_path / FILE).exists()
        (tmp_path / (FILE + ".new")).rmdir()
        record.keep(["a", "b"])
        await record.close()

    asyncio.run(story())
    assert json.loads((tmp_path / FILE).read_bytes()) == ["a", "b"]
