# SPDX-License-Identifier: Apache-2.0
"""The simulated world on memory lines: a kept world that cannot be written ends with its agent, and nothing else."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from agent.profile.load import find_profile, load_profile
from agent.sim.plant import Plant
from agent.sim.world import SimulatedWorld
from native import MemoryChip

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_disk_that_fails_stops_no_world(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        profile = load_profile(find_profile("sim"))
        with MemoryChip(list(profile.lines)) as chip:
            world = SimulatedWorld(profile, Plant(profile, time.monotonic_ns()), chip)
            world.keep_in(tmp_path / "gone" / "world.json", None)
            world.start()
            world.happen(["host", "0", "wake"])
            async with asyncio.timeout(30):
                while not chip.level("power-good"):
                    await asyncio.sleep(0.01)
            world.close()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}/gone/world.json: No such file or directory: the world ends with this agent"
    ]
