# SPDX-License-Identifier: Apache-2.0
"""The restore policy on a simulated board: mains goes and comes back, the agent is restarted, IPMI tells why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.board.board import Board
from agent.board.options import Options, Override
from agent.events.event import EventKind
from agent.ipmi_face.chassis import RESTART_CAUSES
from agent.power.request import Action, HostState, Reply, Request
from agent.power.restoration import Restoration
from agent.power.restore import Restore
from agent.profile.load import find_profile, load_profile
from agent.profile.site import Site, SitePolicy
from ipmi.board import RestartCause
from tests.agent.board.boards import RunningBoard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from agent.power.host import Host


def play(folder: Path, policy: SitePolicy, story: Callable[[RunningBoard], Awaitable[None]]) -> None:
    async def run() -> None:
        file = find_profile("sim")
        board = Board(Options(load_profile(file), file, Site(policy=policy), None, folder, Override()))
        running = RunningBoard(board)
        await board.start()
        try:
            await running.until(lambda: host(running).view().state in (HostState.OFF, HostState.ON))
            await story(running)
        finally:
            await board.close()

    asyncio.run(run())


def host(running: RunningBoard) -> Host:
    return running.board.services.hosts["0"]


def mains(running: RunningBoard, happening: str) -> None:
    assert running.board.world is not None
    for supply in running.board.services.supplies.slots:
        running.board.world.happen(["supply", supply.name, happening])


def test_mains_goes_and_comes_back(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await host(running).run(Request(Action.ON, "test"))
        mains(running, "ac-off")
        await running.hear(EventKind.HOST_POWER_LOST)
        await running.until(lambda: running.board.services.restore.mains_failed("0"))
        mains(running, "ac-on")
        async with asyncio.timeout(40):
            restored = await running._heard.get()
            while restored.kind is not EventKind.HOST_RESTORED:
                restored = await running._heard.get()
        assert restored.args == ("0", "previous")
        await running.hear(EventKind.HOST_ON)
        assert RESTART_CAUSES[host(running).view().last_on_by] is RestartCause.POLICY_PREVIOUS

    play(tmp_path, SitePolicy(restore="previous"), story)


class Machine:
    """The little of a host that the restoration sees."""

    name = "0"
    power_good = None

    def __init__(self) -> None:
        self.asked: list[Request] = []


class Policy:
    current = Restore.ON


class Memory:
    """Settings that are all in memory."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    async def put(self, values: dict[str, Any]) -> None:
        self.values.update(values)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("assumed", [True, False])
@pytest.mark.parametrize("rebooted", [True, False])
def test_only_an_unclean_boot_may_count_as_mains_loss(
    tmp_path: Path, clean: bool, assumed: bool, rebooted: bool
) -> None:
    boot_id, memory = tmp_path / "boot_id", Memory()
    policy = SitePolicy(restore="on", assume_unclean_boot_is_mains_loss=assumed)

    def unasked(hosts: Sequence[str], request: Request) -> Reply:
        raise AssertionError("nothing is to be switched on")

    async def run(stop: bool) -> bool:
        made = Restoration({"0": Machine()}, memory, policy, Policy(), lambda *args: None, unasked, boot_id)  # type: ignore[arg-type, dict-item]
        made.start()
        found = made._restore.outage
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if stop:
            await made.close()
        elif made._timer:
            made._timer.cancel()
        return found

    boot_id.write_text("first")
    assert not asyncio.run(run(clean))
    if rebooted:
        boot_id.write_text("second")
    assert asyncio.run(run(True)) == (rebooted and not clean and assumed)


@pytest.mark.parametrize("stored", [None, 5, {"running": "yes", "user_off": False}, []])
def test_what_was_stored_in_another_form_is_not_believed(tmp_path: Path, stored: object) -> None:
    memory = Memory()
    memory.values = {"restore.host.0": stored, "restore.boot": stored, "restore.outage": stored}

    async def run() -> None:
        made = Restoration({"0": Machine()}, memory, SitePolicy(), Policy(), lambda *args: None, tmp_path / "none")  # type: ignore[arg-type, dict-item]
        made.start()
        assert not made._restore.outage
        assert not made._restore.hosts["0"].remembered.running
        await made.close()

    asyncio.run(run())
