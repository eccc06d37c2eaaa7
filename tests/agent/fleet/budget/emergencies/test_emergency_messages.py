# SPDX-License-Identifier: Apache-2.0
"""Emergencies that are told over the bus: both coordinators hear them, and what is hostile changes nothing."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.budget.emergencies.emergency import CLEAR_NS, EmergencyKind
from agent.fleet.budget.emergencies.emergency_messages import Signal, Temperature, emergency_topic, read_emergency
from agent.fleet.budget.messages import Refusal
from agent.fleet.budget.timing import LEAD_S
from agent.fleet.budget.topics import node_of
from agent.fleet.bus import SECOND_NS, matches
from agent.fleet.node.topics import place
from tests.agent.fleet.budget.made_up_hall import CYCLE_S, DOMAIN, Hall, play

GRID = emergency_topic(DOMAIN, "room", EmergencyKind.GRID)
THERMAL = emergency_topic(DOMAIN, "r0", EmergencyKind.THERMAL)
ROOM_W = 1600.0


def kept_w(hall: Hall) -> float:
    return sum(machine.kept_w for machine in hall.machines.values())


async def tell(hall: Hall, topic: str, told: Signal | Temperature, retain: bool = False) -> None:
    await hall.broker.connect("sensor").publish(topic, msgspec.json.encode(told), retain=retain)


def test_a_take_over_keeps_the_emergency() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(45)
        await tell(hall, GRID, Signal(present=True, share=0.7))
        await hall.pass_s(12)
        assert kept_w(hall) <= 0.7 * ROOM_W + 1
        leader, other = hall.coordinators
        response_ns = leader.desk.running[EmergencyKind.GRID, "room"].response_ns
        assert response_ns is not None
        assert response_ns <= 4 * CYCLE_S * SECOND_NS
        hall.stopped.add(0)
        for _ in range(int(LEAD_S) + 60):
            await hall.pass_s(1)
            assert kept_w(hall) <= 0.7 * ROOM_W + 1
        assert other.leads
        assert other.desk.running[EmergencyKind.GRID, "room"].response_ns is not None
        await tell(hall, GRID, Signal(present=False))
        await hall.pass_s(CLEAR_NS // SECOND_NS + 60)
        assert not other.desk.running
        assert kept_w(hall) > 0.8 * ROOM_W
        await hall.close()

    play(scene())


def test_a_coordinator_that_starts_later_hears_what_stands() -> None:
    async def scene() -> None:
        hall = Hall()
        await tell(hall, GRID, Signal(present=True, share=0.7), retain=True)
        await tell(hall, THERMAL, Signal(present=True, for_s=60), retain=True)
        await hall.open()
        await hall.pass_s(15)
        for coordinator in hall.coordinators:
            assert set(coordinator.desk.running) == {(EmergencyKind.GRID, "room")}
            assert coordinator.refused == {Refusal.RETAINED: 1}, "nothing says how old it is"
        leader = hall.coordinators[0]
        off = Signal(present=False)
        assert await leader.emergencies.say(EmergencyKind.GRID, "room", off, hall.now())
        hall.start_coordinator(hall.broker.connect("a third"))
        await hall.pass_s(5)
        assert not hall.coordinators[2].desk.running, "what was taken back is not retained"
        await hall.close()

    play(scene())


def test_one_that_must_be_told_again_ends_when_its_sender_is_silent() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(45)
        leader = hall.coordinators[0]
        key = EmergencyKind.GRID, "room"
        await tell(hall, GRID, Signal(present=True, share=0.7, for_s=20))
        await hall.pass_s(15)
        await tell(hall, GRID, Signal(present=True, share=0.7, for_s=20))
        await hall.pass_s(15)
        assert leader.desk.running[key].cause
        await hall.pass_s(15)
        assert not leader.desk.running[key].cause
        await hall.pass_s(CLEAR_NS // SECOND_NS)
        assert [one.kind for one in leader.desk.ended] == [EmergencyKind.GRID]
        await hall.close()

    play(scene())


def test_readings_of_a_zone() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(45)
        leader = hall.coordinators[0]
        key = EmergencyKind.THERMAL, "r0"
        for celsius, runs, cause in ((44.0, False, None), (46.0, True, True), (43.0, True, True), (41.0, True, False)):
            await tell(hall, THERMAL, Temperature(celsius=celsius, trip_c=45.0))
            await hall.pass_s(1)
            assert (key in leader.desk.running) is runs
            assert not runs or leader.desk.running[key].cause is cause
        await tell(hall, THERMAL, Temperature(celsius=46.0, trip_c=45.0, for_s=10))
        await hall.pass_s(8)
        await tell(hall, THERMAL, Temperature(celsius=43.5, trip_c=45.0, for_s=10))
        await hall.pass_s(8)
        assert leader.desk.running[key].cause, "a reading between is a sign of life"
        await hall.pass_s(8)
        assert not leader.desk.running[key].cause
        await hall.close()

    play(scene())


@pytest.mark.parametrize(
    ("topic", "payload", "refusal"),
    [
        (GRID, b'{"type":"signal","present":true,"share":NaN}', Refusal.MALFORMED),
        (GRID, b'{"type":"signal","present":true,"share":0}', Refusal.MALFORMED),
        (GRID, b'{"type":"signal","present":true,"share":1.5}', Refusal.MALFORMED),
        (GRID, b'{"type":"signal","present":true,"for_s":-1}', Refusal.MALFORMED),
        (GRID, b'{"type":"signal","present":true,"more":1}', Refusal.MALFORMED),
        (GRID, b'{"type":"signal"}', Refusal.MALFORMED),
        (GRID, b'{"type":"temperature","celsius":90,"trip_c":45}', Refusal.MALFORMED),
        (THERMAL, b'{"type":"temperature","celsius":1e9,"trip_c":45}', Refusal.MALFORMED),
        (GRID, b"\xff\xfe", Refusal.MALFORMED),
        (GRID, b" " * 513, Refusal.TOO_LONG),
        (GRID.replace("room", "elsewhere"), b'{"type":"signal","present":true}', Refusal.UNKNOWN_GROUP),
        (GRID.replace("grid", "flood"), b'{"type":"signal","present":true}', Refusal.UNKNOWN_KIND),
    ],
)
def test_what_is_hostile_is_refused_named_and_counted(topic: str, payload: bytes, refusal: Refusal) -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(30)
        before_w = kept_w(hall)
        await hall.broker.connect("stranger").publish(topic, payload)
        await hall.pass_s(6)
        leader = hall.coordinators[0]
        assert leader.refused == {refusal: 1}
        assert not leader.desk.running
        assert kept_w(hall) >= before_w
        await hall.close()

    play(scene())


@given(st.text(max_size=40), st.binary(max_size=100))
def test_any_bytes_on_any_topic(topic: str, payload: bytes) -> None:
    read_emergency(topic, payload)
    assert not isinstance(read_emergency(GRID, b'{"type":"signal","present":true}'), Refusal)


@pytest.mark.parametrize("name", ["emergency", "group", "power", "grid", "hall"])
def test_no_node_can_speak_on_an_emergencys_topic(name: str) -> None:
    """Whatever a node and a group are called: their topics have another number of levels."""
    topic = emergency_topic("hall", name, EmergencyKind.GRID)
    assert node_of(topic) == ""
    assert place(topic) is None
    for pattern in (f"pgood/fleet/+/{name}/power", f"pgood/fleet/+/{name}/+", f"pgood/fleet/hall/{name}/+"):
        assert not matches(pattern, topic)


def test_without_the_broker_it_is_in_force_where_it_was_said() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        hall.broker.down = True
        one = hall.coordinators[0]
        assert not await one.emergencies.say(EmergencyKind.COOLING, "r0", Signal(present=True), hall.now())
        assert (EmergencyKind.COOLING, "r0") in one.desk.running
        with pytest.raises(KeyError):
            await one.emergencies.say(EmergencyKind.COOLING, "elsewhere", Signal(present=True), hall.now())
        await hall.close()

    asyncio.run(scene())
