# SPDX-License-Identifier: Apache-2.0
"""A lease as a policy: it lowers the cap at once, holds when looks fail, and is looked at without waiting."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent.energy.policies.lease import LeasePolicy
from agent.energy.policies.situation import LeaseView
from tests.agent.energy.control_rig import ControlRig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def leased_rig(folder: Path, cap_w: float, **table: Any) -> ControlRig:
    rig = ControlRig(folder, **table)
    rig.agent.policies = (*rig.agent.policies, LeasePolicy())
    rig.lease = LeaseView(cap_w, "leased")
    return rig


async def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.005)


def test_a_lower_lease_holds_at_once_and_a_higher_one_rises_as_fast_as_a_cap_may(tmp_path: Path) -> None:
    async def story() -> None:
        rig = leased_rig(tmp_path, 35, raise_w_per_s=1, lower_w_per_s=1)
        assert await rig.look() == 35
        rig.lease = LeaseView(12, "the base")
        assert await rig.look() == 12
        assert rig.agent.view.decision is not None
        assert rig.agent.view.decision.binding.why == "the base"
        rig.lease = LeaseView(35, "leased")
        assert await rig.look(5) == 17
        rig.lease = None
        assert await rig.look(60) == 40
        await rig.agent.close()

    asyncio.run(story())


def test_other_policies_may_ask_for_less_than_the_lease(tmp_path: Path) -> None:
    async def story() -> None:
        rig = leased_rig(tmp_path, 35)
        rig.source.value = lambda quarter: 100.0 if quarter == 0 else 50.0
        assert await rig.look() == 20
        await rig.agent.close()

    asyncio.run(story())


@pytest.mark.parametrize(("safe_w", "held_w"), [(15, 15), (35, 20)])
def test_a_look_that_fails_leaves_no_more_than_the_lease(tmp_path: Path, safe_w: float, held_w: float) -> None:
    async def story() -> None:
        rig = leased_rig(tmp_path, 38, safe_w=safe_w)
        assert await rig.look() == 38
        rig.lease = LeaseView(20, "the base")
        rig.agent.fall_back("a defect")
        await rig.agent.settled()
        assert rig.limit_w == held_w
        assert rig.agent.view.decision is not None
        assert rig.agent.view.decision.binding.why == "a defect"
        await rig.agent.close()

    asyncio.run(story())


def test_a_change_is_looked_at_without_waiting(tmp_path: Path) -> None:
    async def story() -> None:
        rig = leased_rig(tmp_path, 38, look_s=300)
        rig.agent.start()
        await until(lambda: rig.limit_w == 38)
        rig.lease = LeaseView(20, "the base")
        rig.agent.look_soon()
        await until(lambda: rig.limit_w == 20)
        await rig.agent.close()

    asyncio.run(story())


def test_what_was_decided_while_a_cap_was_written_is_written_next(tmp_path: Path) -> None:
    async def story() -> None:
        rig = leased_rig(tmp_path, 38, look_s=300)
        rig.agent.start()
        await until(lambda: rig.limit_w == 38)
        await rig.agent.settled()
        rig.mono_ns += 10**9
        rig.lease = LeaseView(30, "leased")
        await rig.agent.look()
        assert rig.agent.writing
        rig.lease = LeaseView(20, "the base")
        await rig.agent.look()  # finds the writer busy
        await until(lambda: rig.limit_w == 20)
        await rig.agent.close()

    asyncio.run(story())
