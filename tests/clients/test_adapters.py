# SPDX-License-Identifier: Apache-2.0
"""Adapters against foreign machines: a second running agent as remote BMC, through the real pyghmi."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, Sense, Surroundings
from agent.hardware.adapters.ipmi import KIND, IpmiAdapter, IpmiOptions
from agent.hardware.remote_sensors import RemoteReading, Unavailable
from agent.profile.schema import Profile
from tests.agent.hardware.adapters.worlds import bad, until
from tests.clients.demo import Demo, start_demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.client

AROUND = Surroundings("adapters.bmc", Profile(schema=1, name="test"))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = start_demo(tmp_path / "state")
    yield demo
    demo.stop()


def options(demo: Demo, folder: Path, password: str | None = None, **more: object) -> IpmiOptions:
    ipmi = demo.ready["ipmi"]
    secret = folder / "bmc-password"
    secret.write_text(password or ipmi["password"])
    secret.chmod(0o600)
    keys = {"poll_s": 0.5, "timeout_s": 10.0, "privilege": "administrator", **more}
    return IpmiOptions(host=ipmi["host"], port=ipmi["port"], user=ipmi["user"], password_file=str(secret), **keys)  # type: ignore[arg-type]


class DemoWorld:
    """The demo's host, looked at and moved through its local socket."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.frozen = False
        self._before = 0

    async def become(self, level: Level) -> None:
        """Waits for what the adapter has begun; then by the demo's own means."""
        deadline_s = time.monotonic() + 30
        while True:
            state = await asyncio.to_thread(self._state)
            if state == level.value:
                return
            assert time.monotonic() < deadline_s, state
            if state in ("on", "off"):
                words = ("power", "on") if level is Level.ON else ("sim", "host", "0", "crash")
                await asyncio.to_thread(self.demo.pgood, *words, code=None)
            await asyncio.sleep(0.2)

    def _state(self) -> str:
        return str(self.demo.status()["documents"]["host/0/state"]["state"])

    async def level(self) -> Level:
        if self.frozen:
            return Level.OFF
        powered = await asyncio.to_thread(lambda: self.demo.status()["documents"]["host/0/state"]["powered"])
        return Level.ON if powered else Level.OFF

    async def commands(self) -> int:
        """Requests that came over IPMI and that the host took up."""
        if self.frozen:
            return self._before
        said = await asyncio.to_thread(self.demo.pgood, "call", "operations/list", '{"latest": 256}')
        listed = json.loads(said)["data"]["operations"]
        self._before = sum(one["origin"].startswith("ipmi:") for one in listed)
        return self._before

    async def cut(self) -> bool:
        await self.commands()
        self.frozen = True
        os.kill(self.demo.process.pid, signal.SIGSTOP)
        return True

    async def mend(self) -> None:
        os.kill(self.demo.process.pid, signal.SIGCONT)
        self.frozen = False


def test_conforms(demo: Demo, tmp_path: Path) -> None:
    async def story() -> None:
        chosen = options(demo, tmp_path, timeout_s=5.0)
        findings = await check_adapter(
            "adapters.bmc", lambda: KIND.make(chosen, AROUND), DemoWorld(demo), timeout_s=5.0, patience_s=40
        )
        assert not bad(findings)

    asyncio.run(story())


def test_a_wrong_password_is_told_without_it(demo: Demo, tmp_path: Path) -> None:
    async def story() -> None:
        heard: list[Sense] = []
        adapter = KIND.make(options(demo, tmp_path, "hunter2"), AROUND)
        await adapter.start(heard.append)
        await until(lambda: heard)
        assert heard[0].level is Level.UNKNOWN
        assert "password" in heard[0].reason.lower()
        assert "hunter2" not in heard[0].reason
        with pytest.raises(AdapterError, match=r"adapters\.bmc: BMC 127.0.0.1 port .*, user '"):
            await adapter.act(Ability.ON, Precondition(Level.OFF))
        await adapter.close()
        assert not demo.powered()

    asyncio.run(story())


def test_a_child_that_dies_is_replaced_and_sensors_are_read(demo: Demo, tmp_path: Path) -> None:
    async def story() -> None:
        heard: list[Sense] = []
        adapter = KIND.make(options(demo, tmp_path), AROUND)
        assert isinstance(adapter, IpmiAdapter)
        await adapter.start(heard.append)
        await until(lambda: heard and heard[-1].level is Level.OFF)
        assert adapter._power is not None
        first = adapter._power.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: heard[-1].level is Level.UNKNOWN)
        await until(lambda: heard[-1].level is Level.OFF)
        assert adapter._power.pid not in (first, None)
        reading = await adapter.sensor("CPU Temp")
        assert isinstance(reading, RemoteReading)
        assert 0 < reading.value < 100
        missing = await adapter.sensor("Flux")
        assert isinstance(missing, Unavailable)
        assert isinstance(await adapter.sensor("Inlet Temp"), RemoteReading)
        await adapter.close()

    asyncio.run(story())
