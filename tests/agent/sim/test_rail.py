# SPDX-License-Identifier: Apache-2.0
"""A simulated rail, alone and under hosts."""

from __future__ import annotations

from agent.profile.load import find_profile, load_profile
from agent.sim.plant import Plant
from agent.sim.rail import RISE_MS, Rail, RailFault, RailWiring

MS = 1_000_000


def test_power_good_follows_after_its_delay() -> None:
    rail = Rail()
    rail.drive(True, 1000 * MS)
    assert rail.deadline_ns(1000 * MS) == (1000 + RISE_MS) * MS
    assert [rail.power_good((1000 + at) * MS) for at in (0, RISE_MS - 1, RISE_MS)] == [False, False, True]
    rail.drive(False, 2000 * MS)
    assert not rail.power_good(2000 * MS)


def test_a_rail_that_never_comes_and_one_whose_relay_sticks() -> None:
    rail = Rail()
    rail.break_down(RailFault.NEVER, 0)
    rail.drive(True, MS)
    assert not rail.power_good(5000 * MS)
    rail.break_down(RailFault.NORMAL, 6000 * MS)
    assert rail.power_good(7000 * MS)
    rail.break_down(RailFault.STUCK, 8000 * MS)
    rail.drive(False, 9000 * MS)
    assert rail.power_good(10_000 * MS)
    rail.break_down(RailFault.NORMAL, 11_000 * MS)
    assert not rail.power_good(11_000 * MS)


def test_a_drop_ends_by_itself() -> None:
    rail = Rail()
    rail.drive(True, MS)
    rail.drop(500, 1000 * MS)
    seen = [rail.power_good(at * MS) for at in (1000, 1499, 1500 + RISE_MS - 1, 1500 + RISE_MS)]
    assert seen == [False, False, False, True]


def test_hosts_have_no_standby_power_without_their_rail() -> None:
    wirings = (RailWiring("main", "relay", "good", ("0",)), RailWiring("fans", "fan", "fan-good"))
    plant = Plant(load_profile(find_profile("sim")), 0, wirings)
    plant.power_button("0", True, MS)
    plant.power_button("0", False, 200 * MS)
    plant.advance(1000 * MS)
    assert not plant.power_good("0")
    plant.rail_output("main", True, 2000 * MS)
    plant.power_button("0", True, 3000 * MS)
    plant.power_button("0", False, 3200 * MS)
    plant.advance(4000 * MS)
    assert plant.power_good("0")
    plant.drop_rail("fans", 100, 4000 * MS)
    plant.advance(4050 * MS)
    assert plant.power_good("0")
    plant.drop_rail("main", 100, 5000 * MS)
    assert not plant.power_good("0")
