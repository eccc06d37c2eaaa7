# SPDX-License-Identifier: Apache-2.0
"""A bus that hangs: who waits is told in time, nobody else waits at all, and it recovers by itself."""

from __future__ import annotations

import asyncio
import threading

import pytest

from agent.hardware.i2c_bus import I2cBus
from tests.agent.hardware.registers_port import RegistersPort


def test_a_stuck_bus_fails_fast_and_recovers() -> None:
    release = threading.Event()

    async def scenario() -> None:
        bus = I2cBus("main", RegistersPort({}))
        with pytest.raises(TimeoutError):
            await bus.call(lambda port: release.wait(30), deadline_s=0.05)
        assert bus.stuck
        for _ in range(100):
            with pytest.raises(TimeoutError, match="stuck"):
                bus.call(lambda port: None).send(None)  # in one step: nothing waits, nothing piles up
        release.set()
        while bus.stuck:
            await asyncio.sleep(0.001)
        assert await bus.call(lambda port: 7) == 7
        bus.close()

    asyncio.run(scenario())


def test_an_error_of_the_work_reaches_who_asked() -> None:
    def fail(port: object) -> None:
        raise OSError(5, "noise")

    async def scenario() -> None:
        bus = I2cBus("main", RegistersPort({}))
        with pytest.raises(OSError, match="noise"):
            await bus.call(fail)
        assert await bus.call(lambda port: 1) == 1
        bus.close()

    asyncio.run(scenario())
