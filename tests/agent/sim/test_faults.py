# SPDX-License-Identifier: Apache-2.0
"""Faults of a simulated host under a clock of our own: buttons, power-good, standby power, sleep, and what it draws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.profile.load import find_profile, load_profile
from agent.sim.atx_host import IDLE_LOAD_W, INRUSH_MS, INRUSH_W, AtxHost, HostDelays, HostPhase
from agent.sim.plant import START_LOSS_MS, Plant
from agent.sim.sense import BLINK_HALF_MS, PowerGoodSense

MS = 1_000_000
DELAYS = HostDelays()


def running() -> AtxHost:
    host = AtxHost()
    host.wake(0)
    host.advance(1000 * MS)
    assert host.phase is HostPhase.RUNNING
    return host


def press(host: AtxHost, at_ms: int, width_ms: int) -> None:
    host.power_button(True, at_ms * MS)
    host.power_button(False, (at_ms + width_ms) * MS)


# ---------------------------------------------------------------------- buttons


def test_a_dead_button_does_nothing_and_is_counted() -> None:
    host = AtxHost()
    host.break_button(0, dead=True)
    press(host, 100, 200)
    host.advance(5000 * MS)
    assert (host.phase, host.presses) == (HostPhase.OFF, 1)


def test_a_finger_works_beside_a_dead_button() -> None:
    host = AtxHost()
    host.break_button(0, dead=True)
    host.finger(200, 100 * MS)
    host.advance(1000 * MS)
    assert (host.phase, host.presses) == (HostPhase.RUNNING, 0)


def test_a_stuck_button_cuts_a_running_host_after_four_seconds() -> None:
    host = running()
    host.break_button(2000 * MS, stuck=True)
    host.advance((2000 + DELAYS.override_ms) * MS - 1)
    assert host.power_good
    host.advance((2000 + DELAYS.override_ms) * MS)
    assert not host.power_good
    press(host, 7000, 200)  # it is down already: no edge reaches the host
    host.advance(20_000 * MS)
    assert host.phase is HostPhase.OFF
    host.repair(21_000 * MS)
    press(host, 22_000, 200)
    assert host.phase is HostPhase.STARTING


def test_the_board_and_a_finger_press_one_button() -> None:
    """Released by the board while the finger is still on it: one long press, and the host is cut."""
    host = running()
    host.power_button(True, 2000 * MS)
    host.finger(5000, 2100 * MS)
    host.power_button(False, 2200 * MS)
    host.advance(5999 * MS)
    assert host.power_good
    host.advance(6000 * MS)
    assert not host.power_good


def test_a_finger_is_lifted_at_its_own_time_however_late_the_clock_comes() -> None:
    host = running()
    host.finger(200, 2000 * MS)
    host.advance(60_000 * MS)  # late: a press of 200 ms all the same, which asks for a shutdown
    assert host.phase is HostPhase.OFF
    assert host.started_ns == 0


# ---------------------------------------------------------------------- sleep and standby power


def test_a_sleeping_host_is_woken_by_a_press_and_its_led_blinks() -> None:
    host = running()
    host.sense.led = True
    host.sleep(2000 * MS)
    assert not host.power_good
    assert not host.supplies_on
    shown = [host.power_good_line((2000 + at) * MS) for at in (0, BLINK_HALF_MS, 2 * BLINK_HALF_MS)]
    assert shown == [True, False, True]
    assert host.deadline_ns(2000 * MS) == (2000 + BLINK_HALF_MS) * MS
    press(host, 5000, 200)
    host.advance(6000 * MS)
    assert host.power_good_line(6000 * MS)


def test_pwr_ok_of_a_sleeping_host_is_off() -> None:
    host = running()
    host.sleep(2000 * MS)
    assert not any(host.power_good_line(at * MS) for at in range(2000, 4000, 100))


@pytest.mark.parametrize("restores", [True, False])
def test_what_a_host_does_when_standby_power_returns(restores: bool) -> None:
    host = running()
    host.restores_on_ac = restores
    host.feed(False, 2000 * MS)
    assert host.phase is HostPhase.OFF
    host.wake(2500 * MS)
    assert host.phase is HostPhase.OFF
    host.feed(True, 3000 * MS)
    host.advance(10_000 * MS)
    assert host.power_good is restores


def test_a_start_draws_more_for_a_second() -> None:
    host = AtxHost()
    host.wake(0)
    assert host.drawn_w(0) == INRUSH_W
    host.advance(500 * MS)
    assert host.drawn_w(500 * MS) == INRUSH_W + IDLE_LOAD_W
    assert host.drawn_w(INRUSH_MS * MS) == IDLE_LOAD_W


# ---------------------------------------------------------------------- the power-good line


def test_a_drop_ends_by_itself() -> None:
    host = running()
    host.sense.drop(300, 2000 * MS)
    assert host.deadline_ns(2000 * MS) == 2300 * MS
    assert [host.power_good_line(at * MS) for at in (2000, 2299, 2300)] == [False, False, True]


def test_repair_ends_every_fault_of_the_line() -> None:
    sense = PowerGoodSense(missing=True, inverted=True)
    sense.drop(1000, 0)
    sense.flicker(10, 1000, 0)
    sense.repair()
    assert [sense.level(powered, False, 5 * MS) for powered in (True, False)] == [True, False]
    assert sense.deadline_ns(False, 5 * MS) is None


@given(
    period_ms=st.integers(2, 2000),
    span_ms=st.integers(1, 5000),
    drop_ms=st.integers(0, 3000),
    sleeping=st.booleans(),
    inverted=st.booleans(),
)
def test_the_line_changes_at_its_deadlines_and_never_between(
    period_ms: int, span_ms: int, drop_ms: int, sleeping: bool, inverted: bool
) -> None:
    sense = PowerGoodSense(led=True, inverted=inverted)
    sense.flicker(period_ms, span_ms, 0)
    sense.dropped_until_ns = drop_ms * MS
    now_ns, level = 0, sense.level(not sleeping, sleeping, 0)
    for _ in range(50):
        due_ns = sense.deadline_ns(sleeping, now_ns)
        if due_ns is None:
            break
        assert due_ns > now_ns
        assert sense.level(not sleeping, sleeping, due_ns - 1) == level
        now_ns, level = due_ns, sense.level(not sleeping, sleeping, due_ns)
    if not sleeping and now_ns >= max(span_ms, drop_ms) * MS:
        assert level is not inverted


# ---------------------------------------------------------------------- the whole plant


def chassis() -> Plant:
    return Plant(load_profile(find_profile("sim")), 0)


def test_a_supply_that_dies_at_the_start_is_gone_before_power_good() -> None:
    plant = chassis()
    plant.supply("1", "fail-at-start", 0)
    assert plant.supplies["1"].healthy
    plant.power_button("0", True, 1000 * MS)
    assert plant.advance(1000 * MS) == (1000 + START_LOSS_MS) * MS
    plant.advance((1000 + START_LOSS_MS) * MS)
    assert not plant.supplies["1"].healthy
    plant.advance(2000 * MS)
    assert plant.power_good("0")  # the other one carries it


def test_mains_that_dies_at_the_start_takes_the_host_with_it_once() -> None:
    plant = chassis()
    plant.set_mains("off-at-start", 0)
    plant.power_button("0", True, 0)
    plant.advance(5000 * MS)
    assert (plant.mains, plant.power_good("0")) == (False, False)
    plant.power_button("0", False, 5100 * MS)
    plant.set_mains("on", 6000 * MS)
    plant.power_button("0", True, 7000 * MS)
    plant.advance(9000 * MS)
    assert (plant.mains, plant.power_good("0")) == (True, True)


def test_each_host_has_its_load() -> None:
    plant = Plant(load_profile(find_profile("chassis-4-node")), 0)
    for name in plant.hosts:
        plant.hosts[name].phase = HostPhase.RUNNING
        plant.hosts[name].started_ns = -10_000 * MS
    plant.load(100, 0)
    plant.load(400, 0, "2")
    plant.advance(MS)
    assert sum(supply.output_w for supply in plant.supplies.values()) == pytest.approx(700)


def test_a_lost_sensor_takes_nobody_with_it() -> None:
    plant = chassis()
    plant.lose_sensor("Inlet Temp", True)
    with pytest.raises(OSError, match="No such device"):
        plant.device("main", 0x48, 0)
    assert plant.device("main", 0x49, 0) is plant.masses["cpu"]
    plant.lose_sensor("inlet", False)
    assert plant.device("main", 0x48, 0) is plant.masses["inlet"]
