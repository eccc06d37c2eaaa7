# SPDX-License-Identifier: Apache-2.0
"""The simulated plant under a clock of our own: buttons, supplies and temperatures behave as real ones do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.hardware.lm75 import read_temperature
from agent.hardware.pmbus.supply import PmbusSupply
from agent.profile.load import find_profile, load_profile
from agent.sim.atx_host import AtxHost, Behaviour, HostDelays
from agent.sim.plant import Plant
from agent.sim.share_bus import share
from agent.sim.smbus import SimulatedSmbus
from agent.sim.supply import CrpsSupply
from agent.sim.things import UnknownThing

MS = 1_000_000
DELAYS = HostDelays()


def press(host: AtxHost, at_ms: int, width_ms: int) -> int:
    host.power_button(True, at_ms * MS)
    host.advance((at_ms + width_ms) * MS)
    host.power_button(False, (at_ms + width_ms) * MS)
    return at_ms + width_ms


def started() -> AtxHost:
    host = AtxHost()
    press(host, 0, 200)
    host.advance(1000 * MS)
    assert host.power_good
    return host


def test_short_press_starts_and_stops() -> None:
    host = started()
    press(host, 2000, 200)
    assert host.power_good
    host.advance((2200 + DELAYS.shutdown_ms - 1) * MS)
    assert host.power_good
    host.advance((2200 + DELAYS.shutdown_ms) * MS)
    assert not host.power_good


def test_long_press_forces_off_at_four_seconds_and_not_before() -> None:
    host = started()
    host.behaviour = Behaviour.HANG
    host.power_button(True, 2000 * MS)
    host.advance(5999 * MS)
    assert host.power_good
    host.advance(6000 * MS)
    assert not host.power_good
    host.power_button(False, 7000 * MS)
    host.advance(20_000 * MS)
    assert not host.power_good


@pytest.mark.parametrize("behaviour", [Behaviour.HANG, Behaviour.IGNORE_SOFT_OFF])
def test_some_hosts_ignore_a_short_press(behaviour: Behaviour) -> None:
    host = started()
    host.behaviour = behaviour
    press(host, 2000, 200)
    host.advance(60_000 * MS)
    assert host.power_good


def test_a_glitch_of_the_button_is_not_a_press() -> None:
    host = started()
    press(host, 2000, DELAYS.button_debounce_ms - 1)
    host.advance(60_000 * MS)
    assert host.power_good


def test_reset_frees_a_hung_system() -> None:
    host = started()
    host.behaviour = Behaviour.HANG
    host.reset_button(True, 2000 * MS)
    host.reset_button(False, 2500 * MS)
    assert (host.resets, host.power_good, host.behaviour) == (1, True, Behaviour.NORMAL)


def supplies(*roles: int) -> list[CrpsSupply]:
    return [CrpsSupply(0x58 + i, 550, str(i), "M", "X", role=role, awake=False) for i, role in enumerate(roles)]


def test_standby_wakes_with_the_load_and_sleeps_with_hysteresis() -> None:
    pair = supplies(1, 2)
    seen = []
    for load_w in (100, 219, 221, 150, 198, 180, 90):
        share(pair, load_w, main_on=True)
        seen.append(pair[1].awake)
    # On at 40 % of one supply (220 W); off below 18 % of two (198 W).
    assert seen == [False, False, True, False, False, False, False]


def test_nobody_active_wakes_all() -> None:
    trio = supplies(2, 3, 4)
    share(trio, 50, main_on=True)
    assert all(supply.awake for supply in trio)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.floats(0, 4000), st.data())
def test_load_is_always_carried_while_a_healthy_supply_is_there(
    roles: list[int], load_w: float, data: st.DataObject
) -> None:
    some = supplies(*roles)
    for supply in some:
        supply.mains_v = data.draw(st.sampled_from([0.0, 230.0]))
    share(some, load_w, main_on=True)
    healthy = any(supply.healthy for supply in some)
    assert sum(supply.output_w for supply in some) == pytest.approx(load_w if healthy else 0.0)
    assert all(supply.output_w == 0 for supply in some if not supply.healthy)


def test_the_drivers_read_the_plant() -> None:
    profile = load_profile(find_profile("sim"))
    plant = Plant(profile, 0)
    bus = SimulatedSmbus(plant, "main")
    assert read_temperature(bus, 0x48) == pytest.approx(23.0)
    plant.sensor("CPU Temp", 71.5)
    assert read_temperature(bus, 0x49) == 71.5
    readings = PmbusSupply(0x58).readings(bus)
    assert (readings.vin_v, readings.input_lost, readings.failures) == (230.0, False, frozenset())
    plant.supply("1", "ac-off", 0)
    assert PmbusSupply(0x58).readings(bus).input_lost
    plant.supply("1", "remove", 0)
    with pytest.raises(OSError, match="No such device"):
        PmbusSupply(0x58).readings(bus)
    assert PmbusSupply(0x59).identity(bus).mfr_model == "CRPS-SIM-550"


def test_a_host_without_mains_goes_off_and_cannot_start() -> None:
    plant = Plant(load_profile(find_profile("sim")), 0)
    plant.power_button("0", True, 0)
    plant.power_button("0", False, 200 * MS)
    plant.advance(1000 * MS)
    assert plant.power_good("0")
    for name in ("1", "2"):
        plant.supply(name, "ac-off", 1100 * MS)
    assert not plant.power_good("0")
    plant.power_button("0", True, 1200 * MS)
    plant.advance(5000 * MS)
    assert not plant.power_good("0")


def test_unknown_parts_are_named() -> None:
    plant = Plant(load_profile(find_profile("sim")), 0)
    with pytest.raises(UnknownThing, match="no supply '9'; it has: 1, 2"):
        plant.supply("9", "remove", 0)
    with pytest.raises(ValueError, match="a load is"):
        plant.load(-1.0, 0)
