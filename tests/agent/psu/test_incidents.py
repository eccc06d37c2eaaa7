# SPDX-License-Identifier: Apache-2.0
"""What happens to supplies, told apart and told once: silence, removal, lost inputs, flapping, a stuck bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from agent.psu.slot import Health, Presence
from agent.psu.verdict import RedundancyState
from tests.agent.psu.backplane import Backplane, MemorySettings

if TYPE_CHECKING:
    from collections.abc import Callable


def presence_of_the_first(plane: Backplane) -> Presence:
    return plane.monitor.slots[0].presence


def test_silent_and_gone_are_told_apart_by_the_inventory_memory(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.happen(1, "mute")
    plane.run(5)
    assert presence_of_the_first(plane) is Presence.UNREACHABLE
    assert plane.kinds()[0] == "psu.unreachable"
    plane.happen(1, "remove")
    plane.run(5)
    assert presence_of_the_first(plane) is Presence.ABSENT
    assert plane.kinds() == ["psu.removed"]


def test_silent_and_gone_are_told_apart_by_a_presence_line(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    tables = plane.monitor.tables
    plane.monitor.tables = (structs.replace(tables[0], presence_line="p1", eeprom=None), tables[1])
    seated = {"p1": True}
    plane.monitor._present = seated.get
    plane.happen(1, "remove")  # its registers do not answer
    plane.run(5)
    assert presence_of_the_first(plane) is Presence.UNREACHABLE
    seated["p1"] = False
    plane.run(5)
    assert presence_of_the_first(plane) is Presence.ABSENT
    assert [kind for kind in plane.kinds() if kind.startswith("psu")] == ["psu.unreachable", "psu.removed"]


def test_the_expected_number_is_a_setting(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.happen(2, "remove")
    plane.run(5)
    plane.kinds()
    plane.run_async(plane.redundancy.configure(plane.redundancy.view().settings, "test", expected=1))
    assert plane.redundancy.view().state is RedundancyState.FULL
    alone = make(2, MemorySettings(plane.store.values))
    assert alone.redundancy.view().expected == 1
    assert plane.kinds("redundancy.configured") == []


def test_redundancy_is_judged_while_the_feature_is_off(make: Callable[..., Backplane]) -> None:
    """The original says nothing at all while it is off."""
    plane = make(2, enabled=False)
    plane.happen(1, "ac-off")
    plane.run(5)
    assert plane.kinds() == ["psu.power_lost", "redundancy.lost", "redundancy.nonredundant_sufficient"]


def test_load_against_ratings_decides_what_is_sufficient(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.power_on(900)
    plane.run(5)
    plane.kinds()
    plane.happen(1, "fail")
    plane.run(5)
    assert plane.kinds() == ["psu.failed", "redundancy.lost", "redundancy.nonredundant_insufficient"]
    plane.load(400)
    plane.run(5)
    assert plane.kinds() == ["redundancy.nonredundant_from_insufficient"]
    plane.load(600)
    plane.run(5)
    assert plane.kinds() == ["redundancy.nonredundant_insufficient"]


def test_all_inputs_together_are_one_incident(make: Callable[..., Backplane]) -> None:
    for gone, event in (("ac-off", "input.lost"), ("brown-out", "input.brown_out")):
        plane = make(4)
        for slot in range(1, 5):
            plane.happen(slot, gone)
            plane.run(0.1)
        plane.run(5)
        told = plane.kinds()
        assert told[0] == event
        assert "psu.power_lost" not in told
        assert "psu.input_out_of_range" not in told
        for slot in range(1, 5):
            plane.happen(slot, "ac-on")
            plane.run(0.2)
        plane.run(10)
        assert [kind for kind in plane.kinds() if kind.startswith(("psu", "input"))] == ["input.restored"]


def test_a_dip_shorter_than_the_deglitch_is_nothing(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    plane.happen(1, "ac-off")
    plane.run(0.15)
    plane.happen(1, "ac-on")
    plane.run(10)
    assert plane.kinds() == []


def test_flapping_is_told_once_and_summed_up(make: Callable[..., Backplane]) -> None:
    plane = make(2)
    for _ in range(15):
        plane.happen(1, "ac-off")
        plane.run(2)
        plane.happen(1, "ac-on")
        plane.run(2)
    told = plane.kinds()
    assert told.count("psu.flapping") == 1
    assert len(told) <= 18  # six changes with their consequences, then the summary
    assert plane.ranks == (0, 1)  # nothing is entrusted to it
    plane.run(120)
    assert plane.kinds() == ["psu.steady", "redundancy.regained"]
    assert plane.ranks == (1, 2)


def test_a_stuck_bus_is_one_event_and_recovers_by_itself(make: Callable[..., Backplane]) -> None:
    plane = make(3)
    plane.bus("stuck")
    plane.run(30)
    assert plane.kinds() == ["bus.stuck"]
    assert {slot.health for slot in plane.monitor.slots} == {Health.UNAVAILABLE}
    assert all(slot.readings is None for slot in plane.monitor.slots)
    plane.bus("free")
    plane.run(10)
    assert plane.kinds() == ["bus.recovered"]
    assert plane.ranks == (1, 2, 3)


def test_noise_on_the_bus_is_no_event(make: Callable[..., Backplane]) -> None:
    plane = make(4)
    plane.bus("nack", 0.02)
    plane.bus("pec-errors", 0.02)
    assert plane.monitor.drivers[0].pec
    plane.run(120)
    assert plane.kinds("psu.failure_predicted") == []
    assert plane.ranks == (1, 2, 3, 4)
