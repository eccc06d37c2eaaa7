# SPDX-License-Identifier: Apache-2.0
"""One supply slot: debounced, one root cause per incident, no old numbers."""

from __future__ import annotations

from agent.events.event import EventKind
from agent.hardware.pmbus import StatusInput, StatusWord, SupplyReadings
from agent.psu.slot import Health, Poll, Presence, Slot


def readings(status: int = 0, status_input: int = 0) -> SupplyReadings:
    return SupplyReadings(
        1, StatusWord(status), StatusInput(status_input), 230.0, 0.1, 20.0, 12.1, 1.0, 12.0, 30.0, 3000.0
    )


GOOD = Poll(readings())
ABSENT = Poll(absent=True, error="No such device or address")
SILENT = Poll(error="Connection timed out")
NO_INPUT = Poll(readings(StatusWord.INPUT | StatusWord.VIN_UV, StatusInput.VIN_UV_FAULT))
BROKEN = Poll(readings(StatusWord.VOUT_OV))


def poll(slot: Slot, *polls: Poll) -> tuple[Slot, list[EventKind]]:
    told: list[EventKind] = []
    for one in polls:
        slot, events = slot.polled(one)
        told += [kind for kind, _ in events]
    return slot, told


def test_what_is_found_at_start_is_no_event() -> None:
    for found in (GOOD, ABSENT, SILENT, NO_INPUT, BROKEN):
        slot, told = poll(Slot("1"), found, found)
        assert (slot.health, told) == (found.health, [])


def test_one_odd_poll_is_no_event_but_its_reading_is_not_kept() -> None:
    slot, _ = poll(Slot("1"), GOOD, GOOD)
    slot, told = poll(slot, SILENT)
    assert (slot.health, slot.readings, told) == (Health.OK, None, [])
    slot, told = poll(slot, GOOD)
    assert (slot.health, told) == (Health.OK, [])
    assert slot.readings is not None


def test_removal_and_insertion() -> None:
    slot, _ = poll(Slot("1"), GOOD, GOOD)
    slot, told = poll(slot, ABSENT, ABSENT, ABSENT)
    assert (slot.presence, told) == (Presence.ABSENT, [EventKind.PSU_REMOVED])
    slot, told = poll(slot, GOOD, GOOD)
    assert (slot.presence, told) == (Presence.PRESENT, [EventKind.PSU_INSERTED])


def test_supply_that_is_pulled_while_its_input_is_lost_tells_only_its_removal() -> None:
    slot, _ = poll(Slot("1"), GOOD, GOOD)
    slot, told = poll(slot, NO_INPUT, NO_INPUT)
    assert told == [EventKind.PSU_POWER_LOST]
    slot, told = poll(slot, ABSENT, ABSENT)
    assert told == [EventKind.PSU_REMOVED]
    slot, told = poll(slot, NO_INPUT, NO_INPUT)
    assert told == [EventKind.PSU_INSERTED, EventKind.PSU_POWER_LOST]


def test_input_and_failure_come_back() -> None:
    slot, _ = poll(Slot("1"), GOOD, GOOD)
    slot, told = poll(slot, NO_INPUT, NO_INPUT, GOOD, GOOD)
    assert told == [EventKind.PSU_POWER_LOST, EventKind.PSU_POWER_RESTORED]
    slot, told = poll(slot, BROKEN, BROKEN, GOOD, GOOD)
    assert told == [EventKind.PSU_FAILED, EventKind.PSU_RECOVERED]


def test_silence_is_unreachable_and_never_healthy() -> None:
    slot, _ = poll(Slot("1"), GOOD, GOOD)
    slot, told = poll(slot, SILENT, SILENT)
    assert (slot.presence, slot.healthy, told) == (Presence.UNREACHABLE, False, [EventKind.PSU_UNREACHABLE])
