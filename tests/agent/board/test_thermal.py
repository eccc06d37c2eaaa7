# SPDX-License-Identifier: Apache-2.0
"""Heat on a whole simulated board: from a sensor on the bus to the host, the fans, the event log and the documents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.board.health import problems
from agent.events.event import EventKind
from agent.ipmi_face import numbers
from agent.power.request import Action, HostState, Request
from agent.profile.load import find_profile
from tests.agent.board.boards import RunningBoard, on_a_board
from tests.agent.thermal.recorders import RecordedEmergency

if TYPE_CHECKING:
    from pathlib import Path

    from agent.sim.world import SimulatedWorld

SEVERITY = 0x07


@pytest.fixture(autouse=True)
def _quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two polls are two polls, however long they take."""
    monkeypatch.setattr("agent.thermal.monitor.POLL_S", 0.1)


def world(running: RunningBoard) -> SimulatedWorld:
    assert running.board.world is not None
    return running.board.world


def state(running: RunningBoard, zone: str) -> object:
    document = running.board.documents.all()[f"thermal/{zone}/state"]
    return document["state"]


def test_a_hot_inlet_asks_for_shutdown_and_then_forces_off(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        services, emergency = running.board.services, RecordedEmergency()
        services.zones._emergency = lambda: emergency
        await running.until(lambda: state(running, "inlet") == "normal")
        world(running).happen(["sensor", "inlet", "57"])
        await running.hear(EventKind.THERMAL_HOT)
        told = await running.hear(EventKind.THERMAL_SOFT_OFF)
        assert told.source == "thermal/inlet"
        assert emergency.asked == [("soft-off", ("0",), "thermal:inlet")]
        world(running).happen(["sensor", "inlet", "90"])
        await running.hear(EventKind.THERMAL_EMERGENCY_OFF)
        assert emergency.asked[1:] == [("emergency-off", ("0",), "thermal:inlet")]
        assert state(running, "inlet") == "critical"
        assert state(running, "cpu") == "normal"
        assert [gate.refusal("host/0", Action.ON) is None for gate in services.gates] == [False, True]
        assert any(source == "thermal/inlet" for source, _ in problems(services))
        world(running).happen(["sensor", "inlet", "auto"])
        await running.hear(EventKind.THERMAL_CRITICAL_CLEARED)
        await running.until(lambda: state(running, "inlet") == "normal")
        assert services.gates[0].refusal("host/0", Action.ON) is None
        assert len(emergency.asked) == 2
        await running.board.bus.drain()
        zone = numbers.FIRST_ZONE + 1
        records = [record for record in await sel(running) if record[11] == zone]
        assert [(record[12] & 0x7F, record[12] >> 7, record[13] & 0xF) for record in records] == [
            (SEVERITY, 0, offset) for offset in (1, 2, 3)
        ] + [(SEVERITY, 1, offset) for offset in (1, 2, 3)]

    on_a_board(tmp_path, find_profile("sim").read_text(), story)


async def sel(running: RunningBoard) -> list[bytes]:
    rows = await running.board.journal._database.transact(
        lambda c: c.execute("SELECT record FROM sel ORDER BY position").fetchall()
    )
    return [row[0] for row in rows]


def test_a_critical_cpu_cuts_the_running_host(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        host = running.board.services.hosts["0"]
        await running.until(lambda: host.view().state is HostState.OFF)
        reply = await host.run(Request(Action.ON, "test"))
        assert reply.verdict.good, reply
        world(running).happen(["sensor", "cpu", "110"])
        await running.hear(EventKind.THERMAL_EMERGENCY_OFF)
        await running.hear(EventKind.HOST_OFF)
        assert not host.view().powered

    on_a_board(tmp_path, find_profile("sim").read_text(), story)


def test_a_stuck_bus_is_fail_safe_and_switches_nothing_off(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        services, emergency = running.board.services, RecordedEmergency()
        services.zones._emergency = lambda: emergency
        await running.until(lambda: (services.fans.view("system").duty_percent or 100) < 40)
        world(running).happen(["bus", "main", "stuck"])
        await running.hear(EventKind.THERMAL_SENSOR_LOST)
        await running.until(lambda: services.fans.view("system").duty_percent == 100)
        assert services.gates[0].refusal("host/0", Action.ON) is not None
        world(running).happen(["bus", "main", "free"])
        await running.hear(EventKind.THERMAL_SENSOR_RECOVERED)
        await running.until(lambda: services.gates[0].refusal("host/0", Action.ON) is None)
        assert emergency.asked == []

    on_a_board(tmp_path, find_profile("sim").read_text(), story)


def test_a_stalled_fan_is_heard_of_and_blocks_power_on(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        services = running.board.services
        await running.until(lambda: services.fans.view("system").stalled is False)
        world(running).happen(["fan", "system", "stall"])
        event = await running.hear(EventKind.FAN_STALLED)
        assert event.source == "fan/system"
        assert services.gates[1].refusal("host/0", Action.ON) is not None
        world(running).happen(["fan", "system", "normal"])
        await running.hear(EventKind.FAN_TURNS)
        assert services.gates[1].refusal("host/0", Action.ON) is None
        await running.board.bus.drain()
        fan = [record for record in await sel(running) if record[11] == numbers.FIRST_FAN]
        assert [(record[10], record[12] >> 7, record[13]) for record in fan] == [(0x04, 0, 0x52), (0x04, 1, 0x52)]

    on_a_board(tmp_path, find_profile("sim").read_text(), story)


def test_the_fan_is_given_back_at_the_end(tmp_path: Path) -> None:
    plants = []

    async def story(running: RunningBoard) -> None:
        plants.append(world(running).plant)
        await running.until(lambda: plants[0].fans["system"].mode.value == 1)

    on_a_board(tmp_path, find_profile("sim").read_text(), story)
    assert plants[0].fans["system"].mode.value == 2


def test_humidity_and_fans_are_in_telemetry_and_trends(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        board = running.board
        world(running).happen(["sensor", "room", "61.5"])
        await running.until(lambda: board.documents.telemetry()["humidities_percent"] == {"room": 61.5})
        board.trends.sample()
        answers = [answer async for answer in board.endpoints["trends/get"].answers({}, "test")]
        assert "humidities_percent/room" in answers[0].data["readings"]  # type: ignore[index]
        wanted = {"reading": "humidities_percent/room", "span": "month"}
        (answer,) = [answer async for answer in board.endpoints["trends/get"].answers(wanted, "test")]
        point = answer.data["points"][-1]  # type: ignore[index]
        assert (point["min"], point["max"]) == (61.5, 61.5)
        (answer,) = [answer async for answer in board.endpoints["trends/get"].answers({"reading": "no"}, "test")]
        assert not answer.ok
        assert "there are: humidities_percent/room" in answer.reason
        with pytest.raises(ValueError, match="0 to 100 %"):
            world(running).happen(["sensor", "room", "101"])
        await asyncio.sleep(0)

    on_a_board(tmp_path, find_profile("sim").read_text(), story)


def test_a_poller_that_hangs_is_a_lost_sensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.thermal.zones.LOOK_S", 0.05)
    monkeypatch.setattr("agent.thermal.sensor_track.STALE_NS", 500_000_000)

    async def story(running: RunningBoard) -> None:
        services = running.board.services
        await running.until(lambda: (services.fans.view("system").duty_percent or 100) < 40)
        await services.sensors.close()
        event = await running.hear(EventKind.THERMAL_SENSOR_LOST)
        assert "nothing new was read for a while" in event.message
        await running.until(lambda: services.fans.view("system").duty_percent == 100)

    on_a_board(tmp_path, find_profile("sim").read_text(), story)
