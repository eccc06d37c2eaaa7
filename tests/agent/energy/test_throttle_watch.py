# SPDX-License-Identifier: Apache-2.0
"""What the firmware of a Raspberry Pi says becomes a state and events, once each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.energy.meters import pi_throttling
from agent.energy.sysfs import Sysfs
from agent.energy.throttle_watch import ThrottleWatch, words
from agent.hardware.port_thread import PortThread
from tests.agent.energy.sysfs_tree import SysfsTree

if TYPE_CHECKING:
    from pathlib import Path


class Watch:
    """A watch over a folder."""

    def __init__(self, folder: Path) -> None:
        self.tree = SysfsTree(folder / "sys")
        self.events: list[tuple[str, ...]] = []
        self.changes = 0
        thread = PortThread("pi", Sysfs(self.tree.root), "stuck")
        self.watch = ThrottleWatch(thread, lambda kind, *args: self.events.append((kind.value, *args)), self._changed)

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture(autouse=True)
def no_firmware_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may run on a Raspberry Pi."""
    monkeypatch.setattr(pi_throttling, "_by_command", lambda command: None)


def test_bits_come_and_go_as_one_event_each(tmp_path: Path) -> None:
    async def story() -> None:
        pi = Watch(tmp_path)
        for text in ("0", "0", "50005", "50005", "50000"):
            pi.tree.get_throttled(text)
            assert await pi.watch.look()
        assert pi.events == [
            ("energy.throttled", "energy/throttled", "this computer", "under-voltage, throttled"),
            ("energy.not_throttled", "energy/throttled", "this computer"),
        ]
        assert pi.changes == 3
        assert pi.watch.now is not None
        assert words(pi.watch.now.since_boot) == ["under-voltage", "throttled"]
        pi.watch.close()

    asyncio.run(story())


def test_elsewhere_the_watch_ends_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        pc = Watch(tmp_path)
        await asyncio.wait_for(pc.watch.run(), 5)
        assert (pc.watch.now, pc.events) == (None, [])
        pc.watch.close()

    asyncio.run(story())
