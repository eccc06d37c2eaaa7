# SPDX-License-Identifier: Apache-2.0
"""The redundancy service at rest: it must not turn in circles while the supplies are still unknown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.profile.load import find_profile, load_profile
from agent.psu.monitor import SupplyMonitor
from agent.psu.redundancy import ColdRedundancy
from agent.store.database import Database
from agent.store.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from agent.hardware.i2c_bus import I2cBus


class NoBus:
    """Never called: nothing is polled in this test."""


def test_a_trigger_before_the_first_verdict_does_not_stop_the_loop(tmp_path: Path) -> None:
    """A host that powers on within the first polls made the service due at once, again and again."""
    profile = load_profile(find_profile("sim"))
    database = Database(tmp_path / "state.db")
    buses: dict[str, I2cBus] = {"main": NoBus()}  # type: ignore[dict-item]

    async def scenario() -> int:
        monitor = SupplyMonitor(profile.supplies, buses, lambda *_: None, lambda: None)
        service = ColdRedundancy(profile.redundancy, monitor, buses, Settings(database), lambda *_: None, lambda: None)
        counted = 0
        count = service._count_elapsed

        async def counting() -> bool:
            nonlocal counted
            counted += 1
            assert counted < 100, "the service turns in circles"
            return await count()

        service._count_elapsed = counting  # type: ignore[method-assign]
        service.start()
        service.host_powered_on()
        for _ in range(20):
            await asyncio.sleep(0.001)
        await service.close()
        return counted

    assert 1 <= asyncio.run(scenario()) <= 3
    database.close()
