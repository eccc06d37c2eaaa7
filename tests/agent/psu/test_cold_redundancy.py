# SPDX-License-Identifier: Apache-2.0
"""Cold redundancy on a simulated backplane: the behaviour table of docs/cold-redundancy.md, line by line."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agent.sim.smbus import SimulatedSmbus
from ipmi.board import RankAlgorithm, RedundancySettings
from tests.agent.psu.backplane import RATED_W, Backplane, MemorySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.hardware.smbus import SmbusPort

DAY_S = 86_400
REACTION_S = 3.0
"""Deglitching and a round of polls."""


def configure(plane: Backplane, **change: object) -> None:
    settings = plane.redundancy.view().settings
    plane.run_async(plane.redundancy.configure(replace(settings, **change), "test"))  # type: ignore[arg-type]


def user_order(plane: Backplane, *ranks: int) -> None:
    configure(plane, algorithm=RankAlgorithm.USER_SPECIFIC, ranks=ranks)
    plane.run(REACTION_S)


def settings_of(plane: Backplane) -> RedundancySettings:
    return plane.redundancy.view().settings


def test_the_scenario_of_the_source_document(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.power_on(150)
    plane.kinds()
    plane.happen(2, "remove")
    plane.run(5)
    assert plane.kinds() == ["psu.removed", "redundancy.lost", "redundancy.nonredundant_sufficient"]
    plane.happen(2, "insert")
    plane.run(5)
    assert plane.kinds() == ["psu.inserted", "redundancy.regained"]


def test_user_order_outlasts_a_lost_input_and_comes_back_by_itself(make: Callable[..., Backplane]) -> None:
    """The original switches to its own order for good when one input is lost, and saves that."""
    plane = make(3)
    user_order(plane, 3, 1, 2)
    for gone, back in (("ac-off", "ac-on"), ("fail", "repair"), ("mute", "unmute"), ("brown-out", "ac-on")):
        plane.happen(2, gone)
        plane.run(5)
        assert plane.ranks == (2, 0, 1), gone
        assert settings_of(plane).ranks == (3, 1, 2)
        assert settings_of(plane).algorithm is RankAlgorithm.USER_SPECIFIC
        plane.happen(2, back)
        plane.run(5)
        assert (plane.ranks, plane.roles) == ((3, 1, 2), (3, 1, 2)), back
        plane.run(60)  # else it is flapping
    assert "redundancy.order_dropped" not in plane.kinds()


@pytest.mark.parametrize("happenings", [("remove",), ("remove", "insert"), ("remove", "swap")])
def test_user_order_ends_with_the_population_and_an_event(
    make: Callable[..., Backplane], happenings: tuple[str, ...]
) -> None:
    plane = make(3)
    user_order(plane, 3, 1, 2)
    for happening in happenings:
        plane.happen(1, happening)
        plane.run(5)
    assert settings_of(plane).algorithm is RankAlgorithm.BMC_SPECIFIC
    assert plane.store.values["redundancy.settings"]["algorithm"] == RankAlgorithm.BMC_SPECIFIC
    assert plane.kinds().count("redundancy.order_dropped") == 1


def test_a_supply_exchanged_while_the_agent_was_away_ends_the_order_too(make: Callable[..., Backplane]) -> None:
    store = MemorySettings()
    plane = make(2, store)
    user_order(plane, 2, 1)
    again = make(2, MemorySettings(store.values))
    assert settings_of(again).algorithm is RankAlgorithm.USER_SPECIFIC  # the same supplies
    exchanged = Backplane(2, MemorySettings(store.values))
    exchanged.happen(1, "swap")
    exchanged.run(5)
    assert settings_of(exchanged).algorithm is RankAlgorithm.BMC_SPECIFIC
    exchanged.close()


def test_rotation_never_touches_a_user_order(make: Callable[..., Backplane]) -> None:
    """The original rotates a user's order as well."""
    plane = make(2, period_s=DAY_S)
    plane.power_on(100)
    user_order(plane, 2, 1)
    plane.redundancy._elapsed_s = 3.0 * DAY_S
    plane.run(120)
    assert plane.ranks == (2, 1)


def test_rotation_gives_the_least_worn_its_turn_and_waits_for_a_failed_one(make: Callable[..., Backplane]) -> None:
    plane = make(3, period_s=DAY_S)
    plane.power_on(100)
    plane.run(60)
    assert plane.ranks == (1, 2, 3)
    plane.happen(3, "fail")
    plane.run(5)
    plane.redundancy._elapsed_s = float(DAY_S)
    plane.run(120)
    assert plane.ranks == (1, 2, 0)  # due, and waiting
    plane.happen(3, "repair")
    plane.run(10)
    assert plane.ranks == (3, 2, 1)  # slot 1 has run most, slot 2 a little while all were active
    assert plane.redundancy.wear.seconds(plane.monitor.slots[0]) > 60
    plane.run(10)
    assert plane.ranks == (3, 2, 1)


def test_one_rotation_is_one_write_and_one_change(make: Callable[..., Backplane]) -> None:
    """In the original a rotation changes a property, which starts the configuration over: two changes, five writes."""
    plane = make(2, period_s=DAY_S)
    plane.power_on(100)
    plane.run(60)
    writes = plane.store.writes
    plane.told.clear()
    plane.redundancy._elapsed_s = float(DAY_S)
    plane.run(60)
    assert plane.ranks == (2, 1)
    assert [kind.value for kind, _, _ in plane.told] == ["redundancy.ranked"]
    assert plane.store.writes == writes + 1


def test_a_change_is_one_write_and_no_change_is_none(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    writes = plane.store.writes
    configure(plane, enabled=False, rotation=False, period_s=DAY_S)
    assert plane.store.writes == writes + 1
    configure(plane)
    assert plane.store.writes == writes + 1
    plane.run(REACTION_S)
    assert (plane.ranks, plane.roles) == ((0, 0), (0, 0))


def test_two_changes_at_once_do_not_undo_each_other(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    settings = settings_of(plane)

    async def both() -> None:
        await asyncio.gather(
            plane.redundancy.configure(replace(settings, rotation=False), "ipmi"),
            plane.redundancy.configure(replace(settings, period_s=DAY_S), "mqtt"),
        )

    plane.run_async(both())
    assert (settings_of(plane).rotation, settings_of(plane).period_s) == (False, DAY_S)


def test_a_change_is_in_progress_while_the_disk_takes_its_time(make: Callable[..., Backplane]) -> None:
    class SlowSettings(MemorySettings):
        slow_s = 0.0

        async def put(self, values: Mapping[str, Any]) -> None:
            await asyncio.sleep(self.slow_s)
            await super().put(values)

    store = SlowSettings()
    plane = make(2, store)
    assert (plane.ranks, plane.redundancy.view().in_progress) == ((1, 2), False)
    store.slow_s = 10.0
    plane.happen(1, "remove")
    plane.run(5)
    assert (plane.ranks, plane.redundancy.view().in_progress) == ((1, 2), True)
    plane.run(15)
    assert (plane.ranks, plane.redundancy.view().in_progress) == ((0, 1), False)
    store.slow_s = 0.0


def test_load_beyond_the_active_supply_wakes_another_before_the_share_bus_would(make: Callable[..., Backplane]) -> None:
    plane = make(3)
    plane.power_on(150)
    plane.run(40)
    assert plane.roles == (1, 2, 3)
    plane.load(0.38 * RATED_W)  # the share bus wakes the first standby supply at 40 %
    plane.run(REACTION_S)
    assert (plane.roles, plane.ranks) == ((1, 1, 3), (1, 2, 3))
    plane.load(0.30 * RATED_W)  # within the hysteresis
    plane.run(60)
    assert plane.roles == (1, 1, 3)
    plane.load(0.10 * RATED_W)
    plane.run(60)
    assert plane.roles == (1, 2, 3)


def test_under_full_load_all_stay_active(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.power_on(2 * RATED_W)
    plane.run(REACTION_S)
    assert plane.roles == (1, 1)
    assert [round(supply.output_w) for supply in plane.supplies] == [550, 550]


def test_ranks_beyond_the_fourth_are_active(make: Callable[..., Backplane]) -> None:
    """The original writes 5, which is another mode."""
    plane = make(6)
    assert plane.roles == (1, 2, 3, 4, 0, 0)
    assert plane.ranks == (1, 2, 3, 4, 5, 6)


def test_roles_are_given_again_after_power_on_and_after_the_input_came_back(make: Callable[..., Backplane]) -> None:
    """The original never gives them again at power-on."""
    plane = make(2)
    for supply in plane.supplies:
        supply.role = 0
    plane.power_on(100)
    plane.run(REACTION_S)
    assert plane.roles == (1, 2)


def test_a_standby_supply_that_carries_load_sends_all_to_active_and_names_the_wiring(
    make: Callable[..., Backplane],
) -> None:
    plane = make(2)
    plane.happen(2, "cut-cr-bus")
    plane.power_on(140)
    plane.run(60)
    assert (plane.roles, plane.ranks) == ((0, 0), (0, 0))
    told = [args for kind, _, args in plane.told if kind.value == "redundancy.wiring"]
    assert told == [("redundancy", "supply 2 is on standby 1 and carries 13% of its rating")]
    plane.run(300)
    assert plane.roles == (0, 0)
    plane.happen(2, "repair")
    configure(plane, rotation=False)  # a person has looked at it
    plane.run(60)
    assert plane.roles == (1, 2)


def test_no_load_sharing_is_found_as_well(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.happen(2, "cut-share")
    plane.power_on(400)
    plane.run(60)
    assert plane.redundancy.view().wiring == "supply 2 is active and carries nothing while others carry 73%"
    assert plane.roles == (0, 0)


def test_a_role_that_does_not_stick_leaves_all_active_and_is_told_once(make: Callable[..., Backplane]) -> None:
    """The original does not report a failed write."""
    plane = Backplane(3)
    plane.happen(2, "role-stuck")
    plane.run(200)
    assert plane.roles == (0, 0, 0)
    assert plane.ranks == (0, 0, 0)
    told = [args[1] for kind, _, args in plane.told if kind.value == "redundancy.write_failed"]
    assert told == ["supply 2: role register reads 0x00 after writing 0x02"]
    plane.close()


@pytest.mark.parametrize("happening", ["other-mode", "foreign"])
def test_nothing_is_written_to_a_supply_that_is_not_understood(happening: str) -> None:
    plane = Backplane(2)
    plane.happen(2, happening)
    plane.supplies[1].role = 0x10 if happening == "other-mode" else 3
    before = plane.supplies[1].role
    plane.run(70)
    assert plane.supplies[1].role == before
    assert plane.roles[0] == 1
    if happening == "foreign":
        told = [args for kind, _, args in plane.told if kind.value == "psu.configuration_error"]
        assert told == [("2", "it is a PGOOD OTHER-900, not a PGOOD CRPS")]
    plane.close()


def test_power_limit_is_written_on_request_only_and_given_back(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.power_on(500)
    plane.run(10)
    assert not any(supply.written for supply in plane.supplies)
    plane.run_async(plane.redundancy.power_limit.set(400.0, "test"))
    assert all(supply.written for supply in plane.supplies)
    plane.run(10)
    assert plane.kinds() == ["redundancy.power_limit", "redundancy.power_limit_exceeded"]
    plane.load(200)
    plane.run(10)
    assert plane.kinds() == ["redundancy.power_limit_kept"]
    plane.run_async(plane.redundancy.power_limit.set(None, "test"))
    port = SimulatedSmbus(plane.plant, "main", plane.loop.time_ns)
    assert plane.monitor.drivers[0].power_limit(port) == pytest.approx(605.0, rel=0.01)


def test_roles_are_not_given_when_a_supply_fails_while_all_are_active(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.power_on(100)
    user_order(plane, 1, 2)
    given: list[int] = []
    write_role = plane.monitor.drivers[0].write_role

    def write_and_note(port: SmbusPort, role: int) -> None:
        given.append(role)
        write_role(port, role)

    plane.monitor.drivers[0].write_role = write_and_note  # type: ignore[method-assign]
    configure(plane, ranks=(2, 1))
    plane.run(0.5)  # all active, settling
    plane.happen(2, "fail")
    plane.run(6)
    assert plane.roles[0] == 1
    assert 2 not in given  # the last healthy supply was never sent to standby
