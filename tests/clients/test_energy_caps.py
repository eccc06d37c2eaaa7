# SPDX-License-Identifier: Apache-2.0
"""A cap through DCMI: our actuator and the real pyghmi on one side, a second running agent as BMC on the other."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from agent.energy.actuators.dcmi import Dcmi
from agent.energy.actuators.held import Held
from agent.energy.actuators.interface import Answer
from agent.energy.loop_call import LoopCall
from agent.energy.restore_file import RestoreFile
from agent.hardware.adapters.interface import Surroundings
from agent.hardware.adapters.ipmi import KIND, IpmiAdapter, IpmiOptions
from agent.profile.schema import Profile
from tests.clients.demo import Demo, start_demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.client


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = start_demo(tmp_path / "state")
    yield demo
    code, said = demo.stop()
    assert code == 0, said
    assert "Traceback" not in said, said


class Remote:
    """The adapter and what is seen of the BMC by another client."""

    def __init__(self, demo: Demo, folder: Path) -> None:
        self.demo = demo
        ipmi = demo.ready["ipmi"]
        secret = folder / "bmc-password"
        secret.write_text(ipmi["password"])
        secret.chmod(0o600)
        options = IpmiOptions(
            host=ipmi["host"],
            port=ipmi["port"],
            user=ipmi["user"],
            password_file=str(secret),
            timeout_s=10.0,
            poll_s=60,
        )
        adapter = KIND.make(options, Surroundings("adapters.bmc", Profile(schema=1, name="test")))
        assert isinstance(adapter, IpmiAdapter)
        self.adapter = adapter
        self._file = folder / "energy-restore.json"

    def held(self, boot: str = "boot") -> Held:
        return Held(Dcmi(self.adapter, LoopCall()), RestoreFile(self._file, boot), outlives_boot=True)

    async def limit(self) -> str:
        """As ipmitool tells it."""
        return await asyncio.to_thread(self.demo.ipmitool, "dcmi", "power", "get_limit", code=None)


def test_a_cap_is_set_read_back_and_given_back(demo: Demo, tmp_path: Path) -> None:
    async def story() -> None:
        remote = Remote(demo, tmp_path)
        await remote.adapter.start(lambda sense: None)
        assert "No Active Power Limit" in await remote.limit()
        held = remote.held()
        applied = await asyncio.to_thread(held.apply, 321.0)
        assert (applied.answer, applied.in_force_w, applied.reason) == (Answer.DONE, 321.0, "")
        during = await remote.limit()
        assert "Power Limit Active" in during
        assert "321 Watts" in during
        successor = remote.held("after a reboot of our board")
        assert [one.answer for one in await asyncio.to_thread(successor.recover)] == [Answer.DONE]
        after = await remote.limit()
        assert "No Active Power Limit" in after  # its watts stay: a controller takes no limit of 0 W
        await remote.adapter.close()

    asyncio.run(story())


def test_a_limit_of_the_owner_comes_back(demo: Demo, tmp_path: Path) -> None:
    demo.ipmitool("dcmi", "power", "set_limit", "limit", "700")
    demo.ipmitool("dcmi", "power", "activate")

    async def story() -> None:
        remote = Remote(demo, tmp_path)
        await remote.adapter.start(lambda sense: None)
        before = await remote.limit()
        held = remote.held()
        assert (await asyncio.to_thread(held.apply, 300.0)).answer is Answer.DONE
        assert "300" in await remote.limit()
        await asyncio.to_thread(held.close)
        assert await remote.limit() == before
        await remote.adapter.close()

    asyncio.run(story())


def test_a_bmc_that_hangs_is_an_answer_and_is_given_back_later(demo: Demo, tmp_path: Path) -> None:
    async def story() -> None:
        remote = Remote(demo, tmp_path)
        await remote.adapter.start(lambda sense: None)
        held = remote.held()
        assert (await asyncio.to_thread(held.apply, 300.0)).answer is Answer.DONE
        demo.process.send_signal(signal.SIGSTOP)
        try:
            (answer,) = await asyncio.to_thread(held.close)
        finally:
            demo.process.send_signal(signal.SIGCONT)
        assert answer.answer is Answer.REFUSED
        assert "adapters.bmc: BMC 127.0.0.1" in answer.reason
        await remote.adapter.close()
        again = Remote(demo, tmp_path)
        await again.adapter.start(lambda sense: None)
        assert [one.answer for one in await asyncio.to_thread(again.held().recover)] == [Answer.DONE]
        assert "No Active Power Limit" in await again.limit()
        await again.adapter.close()

    asyncio.run(story())
