# SPDX-License-Identifier: Apache-2.0
"""One supply slot: debounced, one root cause per incident, no old numbers."""

from __future__ import annotations

from dataclasses import replace

from agent.events.event import EventKind
from agent.hardware.pmbus.readings import SupplyReadings
from agent.hardware.pmbus.registers import Register
from agent.hardware.pmbus.status import Status, StatusWord
from agent.psu.slot import DEGLITCH_POLLS, Health, Poll, Presence, Slot

DOWN = StatusWord.OFF | StatusWord.POWER_GOOD_NEGATED
UNDER_VOLTAGE = 0x18


def readings(status: int = 0, status_input: int = 0, vin_v: float = 230.0) -> SupplyReadings:
    details = ((Register.STATUS_INPUT, status_input),) if status_input else ()
    return SupplyReadings(
        mono_ns=1, status=Status(StatusWord(status), details), vin_v=vin_v, pout_w=12.0, vin_min_v=90.0
    )


GOOD = Poll(readings())
ABSENT = Poll(absent=True, error="No such device or address")
SILENT = Poll(error="Connection timed out")
NO_INPUT = Poll(readings(StatusWord.INPUT | StatusWord.VIN_UV | DOWN, UNDER_VOLTAGE, 0.0))
LOW_INPUT = Poll(readings(StatusWord.INPUT | StatusWord.VIN_UV | DOWN, UNDER_VOLTAGE, 60.0))
LATCHED = Poll(readings(StatusWord.INPUT | StatusWord.VIN_UV, UNDER_VOLTAGE))
ON_STANDBY = Poll(readings(DOWN))
BROKEN = Poll(readings(StatusWord.VOUT_OV | StatusWord.VOUT | DOWN))
STUCK = Poll(bus_stuck=True, error="the bus is stuck")


def poll(slot: Slot, *polls: Poll) -> tuple[Slot, list[EventKind]]:
    """Each poll repeated until it is believed."""
    told: list[EventKind] = []
    for one in polls:
        for _ in range(DEGLITCH_POLLS[one.health]):
            slot, events = slot.polled(one)
            told += [kind for kind, _ in events]
    return slot, told


def glitch(slot: Slot, one: Poll) -> tuple[Slot, list[EventKind]]:
    slot, events = slot.polled(one)
    return slot, [kind for kind, _ in events]


def test_what_is_found_at_start_is_no_event() -> None:
    for found in (GOOD, ABSENT, SILENT, NO_INPUT, BROKEN):
        slot, told = poll(Slot("1"), found)
        assert (slot.health, told) == (found.health, [])


def test_one_odd_poll_is_no_event_but_its_reading_is_not_kept() -> None:
    slot, _ = poll(Slot("1"), GOOD)
    slot, told = glitch(slot, SILENT)
    assert (slot.health, slot.readings, told) == (Health.OK, None, [])
    slot, told = glitch(slot, GOOD)
    assert (slot.health, told) == (Health.OK, [])
    assert slot.readings is not None


def test_removal_and_insertion() -> None:
    slot, _ = poll(Slot("1"), GOOD)
    slot, told = poll(slot, ABSENT)
    assert (slot.presence, told) == (Presence.ABSENT, [EventKind.PSU_REMOVED])
    slot, told = poll(slot, GOOD)
    assert (slot.presence, told) == (Presence.PRESENT, [EventKind.PSU_INSERTED])


def test_supply_that_is_pulled_while_its_input_is_lost_tells_only_its_removal() -> None:
    slot, _ = poll(Slot("1"), GOOD)
    slot, told = poll(slot, NO_INPUT)
    assert told == [EventKind.PSU_POWER_LOST]
    slot, told = poll(slot, ABSENT)
    assert told == [EventKind.PSU_REMOVED]
    slot, told = poll(slot, NO_INPUT)
    assert told == [EventKind.PSU_INSERTED, EventKind.PSU_POWER_LOST]


def test_input_and_failure_come_back() -> None:
    slot, _ = poll(Slot("1"), GOOD)
    slot, told = poll(slot, NO_INPUT, GOOD)
    assert told == [EventKind.PSU_POWER_LOST, EventKind.PSU_POWER_RESTORED]
    slot, told = poll(slot, BROKEN, GOOD)
    assert told == [EventKind.PSU_FAILED, EventKind.PSU_RECOVERED]


def test_silence_is_unreachable_and_never_healthy() -> None:
    slot, _ = poll(Slot("1"), GOOD)
    slot, told = poll(slot, SILENT)
    assert (slot.presence, slot.healthy, told) == (Presence.UNREACHABLE, False, [EventKind.PSU_UNREACHABLE])


def test_ac_loss_brown_out_standby_and_ac_cycling_are_told_apart() -> None:
    """The original calls all of them AC lost, or a failure; on standby it saw faults that were none."""
    slot, _ = poll(Slot("1"), ON_STANDBY)
    assert slot.healthy
    slot, told = poll(slot, NO_INPUT)
    assert told == [EventKind.PSU_POWER_LOST]
    slot, told = poll(slot, LATCHED)  # the input is back, the supply still shows the old fault
    assert (slot.healthy, told) == (True, [EventKind.PSU_POWER_RESTORED])
    slot, told = poll(slot, LOW_INPUT)
    assert told == [EventKind.PSU_INPUT_OUT_OF_RANGE]
    slot, told = poll(slot, NO_INPUT)
    assert told == [EventKind.PSU_POWER_LOST]  # the incident goes on: nothing was in range in between


def test_a_stuck_bus_says_nothing_about_the_supply() -> None:
    slot, _ = poll(Slot("1"), GOOD)
    slot, told = poll(slot, STUCK)
    assert (slot.health, slot.healthy, slot.readings, told) == (Health.UNAVAILABLE, False, None, [])
    assert poll(slot, GOOD)[1] == []
    assert poll(slot, ABSENT)[1] == [EventKind.PSU_REMOVED]


def test_a_supply_that_never_answers_again_is_not_healthy() -> None:
    """The original takes an event that cannot be read ten times for one that is over."""
    slot, _ = poll(Slot("1"), GOOD)
    for _ in range(100):
        slot, _ = glitch(slot, SILENT)
    assert not slot.healthy


def test_warnings_predict_a_failure_and_name_it() -> None:
    hot = Poll(
        SupplyReadings(
            mono_ns=1, status=Status(StatusWord.TEMPERATURE, ((Register.STATUS_TEMPERATURE, 0x40),)), vin_v=230.0
        )
    )
    slot, _ = poll(Slot("1"), GOOD)
    events = []
    for _ in range(5):
        slot, told = slot.polled(hot)
        events += told
    assert slot.healthy
    assert events == [(EventKind.PSU_FAILURE_PREDICTED, ("over-temperature warning",))]
    assert poll(slot, GOOD)[1] == [EventKind.PSU_PREDICTED_RECOVERED]


def test_a_fan_is_told_by_its_number() -> None:
    fan = readings(StatusWord.FANS)
    fan = replace(fan, status=Status(StatusWord.FANS, ((Register.STATUS_FANS_1_2, 0x40),)))
    slot, _ = poll(Slot("1"), GOOD)
    events = []
    for one in [Poll(fan)] * 5 + [GOOD] * 5:
        slot, told = slot.polled(one)
        events += told
    assert events == [(EventKind.PSU_FAN_FAILED, ("2",)), (EventKind.PSU_FAN_RECOVERED, ("2",))]
