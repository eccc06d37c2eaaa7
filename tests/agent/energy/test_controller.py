# SPDX-License-Identifier: Apache-2.0
"""The whole loop on a folder that stands for /sys: what is in force, when, and what becomes of it at the end."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.policies.situation import Freshness
from agent.energy.view import CapState
from tests.agent.energy.control_rig import FOUND_UW, LIMIT, ControlRig
from tests.agent.energy.sysfs_tree import LOCKED


def state_of(rig: ControlRig) -> CapState:
    return rig.agent.view.state


def run(rig_and_test: Any) -> None:
    asyncio.run(rig_and_test)


def test_golden_rule_of_three_reaches_the_kernel_and_is_taken_back(tmp_path: Path) -> None:
    """65.5 of 120.6 MWh of 40 W."""

    async def story() -> None:
        rig = ControlRig(tmp_path, lambda quarter: 120.6 if quarter == 0 else 65.5)
        assert await rig.look() == pytest.approx(21.724_71, abs=1e-5)
        assert state_of(rig) is CapState.CAPPING
        binding = rig.agent.view.decision
        assert binding is not None
        assert (binding.binding.policy, binding.binding.why) == ("volume", "volume is 65.5 of 120.6")
        assert rig.kinds() == ["energy.cap"]
        await rig.agent.close()
        assert rig.limit_w == FOUND_UW / 1e6
        assert not (tmp_path / "restore.json").exists()

    run(story())


def test_nothing_is_written_before_the_board_is_armed(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path, lambda quarter: 50.0 + quarter)
        rig.armed = False
        found = rig.tree.everything()
        await rig.look()
        assert rig.tree.everything() == found
        assert state_of(rig) is CapState.OBSERVING
        assert rig.agent.view.decision is not None
        rig.armed = True
        assert await rig.look() < 40
        await rig.agent.close()

    run(story())


def test_who_else_sets_the_limit_gets_the_field_as_it_was_found(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        assert await rig.look() == 40
        rig.rival = "thermald (process 612) sets what powercap would set"
        assert await rig.look(300) == FOUND_UW / 1e6
        assert state_of(rig) is CapState.YIELDING
        assert "thermald" in rig.agent.view.why
        assert rig.kinds()[-1] == "energy.cap_failed"
        await rig.look()
        assert state_of(rig) is CapState.YIELDING
        rig.rival = ""
        assert await rig.look(60) == 40
        assert state_of(rig) is CapState.CAPPING
        assert rig.kinds()[-1] == "energy.cap_works"
        await rig.agent.close()

    run(story())


def test_a_limit_that_somebody_moved_is_set_again(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path, apply_s=300)
        await rig.look()
        rig.tree.write(LIMIT, 90_000_000)
        assert await rig.look(100) == 90
        assert await rig.look(250) == 40
        await rig.agent.close()

    run(story())


def test_a_locked_limit_is_a_state_an_event_and_tried_again(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        rig.kernel.not_taken[LIMIT] = LOCKED
        await rig.look()
        assert state_of(rig) is CapState.FAILING
        assert rig.agent.view.counts.failed_writes == 1
        await rig.look()
        assert rig.agent.view.counts.failed_writes == 1
        await rig.look(40)
        assert rig.agent.view.counts.failed_writes == 2
        assert rig.kinds() == ["energy.cap_failed"]
        rig.kernel.not_taken.clear()
        assert await rig.look(40) == 40
        assert rig.kinds()[1:] == ["energy.cap_works", "energy.cap"]
        await rig.agent.close()

    run(story())


def test_a_machine_without_limits_says_what_to_do(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path, min_w=None, max_w=None)
        for name in ("name", "constraint_0_max_power_uw"):
            (rig.tree.root / "class/powercap/intel-rapl:0" / name).unlink()
        await rig.look()
        assert state_of(rig) is CapState.STARTING
        assert "give energy.min_w" in rig.agent.view.why
        await rig.agent.close()

    run(story())


def test_a_limit_of_the_supplies_holds_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(
            tmp_path,
            lower_w_per_s=0.1,
            meters=[{"kind": "rapl", "domain": "package"}],
            policies=[{"kind": "volume", "signal": "volume"}, {"kind": "battery"}],
        )
        assert await rig.look() == 40
        rig.on_battery(0.2)
        assert await rig.look() == 10
        assert rig.events[-1][1][2] == "battery"
        rig.on_battery(None)
        assert await rig.look(60) == 40
        await rig.agent.close()

    run(story())


def test_an_outage_is_stale_then_the_safe_cap_then_fresh_again(tmp_path: Path) -> None:
    """The source is down from the first evening on; six hours after midnight its last day is not used any more."""

    async def story() -> None:
        rig = ControlRig(tmp_path, lambda quarter: 100.0 if quarter == 0 else 50.0)
        await rig.look()
        rig.source.down = True
        freshness = []
        for _ in range(40):
            limit_w = await rig.look(3600)
            known = rig.feed.view(rig.now_s).freshness
            freshness.append(known)
            assert limit_w == {Freshness.EXPIRED: 10.0}.get(known, 20.0) or limit_w == 40.0
        assert [one for one, two in pairwise(freshness) if one is not two] == [
            Freshness.FRESH,
            Freshness.STALE,
        ]
        assert freshness[-1] is Freshness.EXPIRED
        rig.source.down = False
        for _ in range(3):
            limit_w = await rig.look(3600)
        assert limit_w == 20
        assert [kind for kind in rig.kinds() if "signal" in kind] == [
            "energy.signal_stale",
            "energy.signal_expired",
            "energy.signal_fresh",
        ]
        await rig.agent.close()

    run(story())


def test_an_agent_that_was_killed_is_followed_by_one_that_gives_back(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path, lambda quarter: 100.0 if quarter == 0 else 50.0)
        assert await rig.look() == 20
        await rig.kill()
        assert rig.limit_w == FOUND_UW / 1e6
        assert rig.kinds()[-1] == "energy.recovered"
        assert await rig.look() == 20
        await rig.agent.close()
        assert rig.limit_w == FOUND_UW / 1e6

    run(story())


def test_a_stuck_actuator_costs_no_look(tmp_path: Path) -> None:
    """A write that hangs in the kernel: meters are read and decisions made all the same."""

    async def story() -> None:
        rig = ControlRig(tmp_path)
        rig.kernel.not_read[LIMIT] = errno.EIO
        await rig.look()
        assert state_of(rig) is CapState.FAILING
        assert rig.agent.view.measured.readings or rig.agent.view.measured.missing
        await rig.agent.close()

    run(story())


EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "60"))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["look", "outage", "back", "kill", "lock", "unlock", "rival", "no rival", "moved", "battery"]),
        st.floats(1, 50_000),
        st.floats(-50, 300),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(STEPS)
def test_whatever_happens_a_cap_is_within_its_range_and_given_back(steps: list[tuple[str, float, float]]) -> None:
    """Random signals, outages, clock steps, locks, rivals, kills: no written limit is outside, none outlives us."""

    async def story(folder: Path) -> None:
        values = [100.0]
        rig = ControlRig(
            folder,
            lambda quarter: values[quarter % len(values)],
            policies=[
                {"kind": "volume", "signal": "volume"},
                {"kind": "price", "signal": "volume", "name": "other"},
                {"kind": "battery"},
            ],
        )
        for what, seconds, value in steps:
            match what:
                case "outage" | "back":
                    rig.source.down = what == "outage"
                case "kill":
                    await rig.kill()
                case "lock":
                    rig.kernel.not_taken[LIMIT] = LOCKED
                case "unlock":
                    rig.kernel.not_taken.clear()
                case "rival" | "no rival":
                    rig.rival = "thermald" if what == "rival" else ""
                case "moved":
                    rig.now_s += value * 3600  # the clock is set
                case "battery":
                    rig.on_battery(None if value < 0 else value / 300)
                case _:
                    values.append(value)
            await rig.look(seconds)
            view = rig.agent.view
            if rig.kernel.written:
                assert all(
                    10 <= int(text) / 1e6 <= 40 or int(text) == FOUND_UW
                    for file, text in rig.kernel.written
                    if file == LIMIT
                )
            assert view.decision is not None
            assert 10 <= view.decision.cap_w <= 40
            known = rig.feed.view(rig.now_s)
            if known.freshness is Freshness.EXPIRED:
                assert view.decision.cap_w == 10
        rig.kernel.not_taken.clear()
        await rig.agent.close()
        assert rig.limit_w == FOUND_UW / 1e6

    with tempfile.TemporaryDirectory() as folder:
        run(story(Path(folder)))
