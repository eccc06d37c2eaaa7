# SPDX-License-Identifier: Apache-2.0
"""Events through the spool to a real mosquitto: in order, none lost, none twice without a reason.

Effort from the environment: PGOOD_SPOOLED events, PGOOD_KILLS of the agent, PGOOD_PAUSE_S of a frozen broker.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.events.event import EventKind
from agent.mqtt.event_key import id_of, key_of
from agent.mqtt.retry import LONGEST_S
from agent.spool.record import RecordClass, SpoolRecord
from agent.spool.spool import Spool, SpoolLimits
from tests.agent.mqtt.brokers import PATIENCE_S, Mosquitto, Watcher, eventually
from tests.agent.mqtt.relay import Relay
from tests.agent.mqtt.spooling_agent import spooling_agent

if TYPE_CHECKING:
    from agent.events.event import Event

ROOT = Path(__file__).parents[3]
SPOOLED = int(os.environ.get("PGOOD_SPOOLED", "3000"))
KILLS = int(os.environ.get("PGOOD_KILLS", "5"))
PAUSE_S = float(os.environ.get("PGOOD_PAUSE_S", "2.5"))
UNLIMITED = ("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0")
IN_FLIGHT = 20


def events(watcher: Watcher) -> list[dict[str, object]]:
    return [json.loads(payload) for payload in watcher.payloads("event")]


def telemetry(watcher: Watcher) -> list[dict[str, object]]:
    return [json.loads(payload) for payload in watcher.payloads("telemetry")]


def ids(watcher: Watcher) -> list[str]:
    return [str(event["id"]) for event in events(watcher)]


def emit(bus: object, count: int) -> list[Event]:
    return [bus.emit(EventKind.HOST_ON, "host/0", "0") for _ in range(count)]  # type: ignore[attr-defined]


def first_comings(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))


def fill(folder: Path, count: int) -> list[str]:
    """A spool as an agent leaves it that had no broker for a long time."""
    spool = Spool(folder / "spool", time.time, SpoolLimits(max_bytes=1 << 30))
    made = [id_of(key_of("00000001-0000000001") + number) for number in range(count)]
    for begin in range(0, count, 1000):
        spool.append(
            RecordClass.EVENT,
            [
                SpoolRecord(key_of(one), 1_800_000_000_000, "event", json.dumps({"id": one, "time": "then"}).encode())
                for one in made[begin : begin + 1000]
            ],
        )
    spool.acknowledge(RecordClass.EVENT, 1)
    spool.close()
    return made


def test_live_events_are_not_history_and_keep_their_order(
    mosquitto: Mosquitto, watcher: Watcher, tmp_path: Path
) -> None:
    async def run() -> None:
        async with spooling_agent(mosquitto.url, tmp_path) as agent:
            await agent.connected()
            emitted = emit(agent.bus, 600)
            await eventually(lambda: len(watcher.on("event")) == 600)
            assert [event["id"] for event in events(watcher)] == [event.id for event in emitted]
            assert not any("historical" in event for event in events(watcher))
            await eventually(lambda: agent.face.status().waiting_events == 0)
        async with spooling_agent(mosquitto.url, tmp_path) as agent:
            await agent.connected()
            (event,) = emit(agent.bus, 1)
            await eventually(lambda: ids(watcher)[-1] == event.id)
            assert len(ids(watcher)) == 601, "nothing that was acknowledged comes again after a clean stop"

    asyncio.run(run())


def test_states_then_history_at_its_rate_then_what_happens_now(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Mosquitto(tmp_path)
        wire = Relay(broker.port)
        wire.cut()
        async with spooling_agent(wire.url, tmp_path, replay_per_s=200.0) as agent:
            before = emit(agent.bus, 300)
            await eventually(lambda: agent.face.status().waiting_events == 300)
            await asyncio.to_thread(broker.start)
            watcher = await asyncio.to_thread(Watcher, broker.port)
            wire.mend()  # only now: what comes before the watcher is there is lost to it
            await agent.connected()
            began_s = time.monotonic()
            now = emit(agent.bus, 50)
            await eventually(lambda: len(watcher.on("event")) == 350)
            lasted_s = time.monotonic() - began_s
        seen = events(watcher)
        assert [event["id"] for event in seen] == [event.id for event in before + now]
        assert [event.get("historical", False) for event in seen] == [True] * 300 + [False] * 50
        assert [event["mono_ns"] for event in seen] == [event.mono_ns for event in before + now]
        assert lasted_s > 300 / 200 - 0.5
        first_event = watcher.seen.index(watcher.on("event")[0])
        assert {"status", "info", "host/0/state", "psu/1/state", "redundancy/state"} <= {
            one.topic.split("/", 2)[2] for one in watcher.seen[:first_event]
        }
        watcher.close()
        wire.cut()
        broker.kill()

    asyncio.run(run())


def test_spooled_telemetry_waits_and_comes_behind_the_events(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Mosquitto(tmp_path)
        wire = Relay(broker.port)
        wire.cut()
        options = {"spool_telemetry": True, "telemetry_interval_s": 0.05}
        async with spooling_agent(wire.url, tmp_path, **options) as agent:
            emitted = emit(agent.bus, 30)
            state = agent.spooling._spool
            await eventually(lambda: state.state.owed[RecordClass.SAMPLE] >= 10)
            await asyncio.to_thread(broker.start)
            watcher = await asyncio.to_thread(Watcher, broker.port)
            wire.mend()
            await agent.connected()
            await eventually(lambda: any("historical" not in one for one in telemetry(watcher)))
            seen = telemetry(watcher)
            assert [one["seq"] for one in seen] == list(range(1, len(seen) + 1))
            assert [one.get("historical") for one in seen[:5]] == [True] * 5
            assert {one.qos for one in watcher.on("telemetry")} == {1}
            packed = [msgspec.msgpack.decode(payload) for payload in watcher.payloads("telemetry/msgpack")]
            assert packed[: len(seen) - 1] == seen[: len(packed)][: len(seen) - 1]
            assert ids(watcher) == [event.id for event in emitted]
            assert watcher.seen.index(watcher.on("event")[-1]) < watcher.seen.index(watcher.on("telemetry")[0])
        watcher.close()
        wire.cut()
        broker.kill()

    asyncio.run(run())


def test_a_long_outage_is_made_up_for_in_order(tmp_path: Path) -> None:
    """No loss and, as nothing was killed, no duplicate."""
    made = fill(tmp_path, SPOOLED)

    async def run() -> None:
        broker = Mosquitto(tmp_path, UNLIMITED)
        await asyncio.to_thread(broker.start)
        watcher = await asyncio.to_thread(Watcher, broker.port)
        limits = SpoolLimits(max_bytes=1 << 30)
        async with spooling_agent(broker.url, tmp_path, replay_per_s=100_000.0, spool_limits=limits) as agent:
            last = emit(agent.bus, 1)[0].id
            until_s = time.monotonic() + 30 + SPOOLED / 200
            while len(watcher.on("event")) < len(made) + 1 and time.monotonic() < until_s:
                await asyncio.sleep(0.1)
            assert ids(watcher) == [*made, last]
            await eventually(lambda: agent.spooling._spool.state.owed[RecordClass.EVENT] == 0)
        watcher.close()
        broker.kill()

    asyncio.run(run())


def test_a_broker_that_is_frozen_for_a_while(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Mosquitto(tmp_path, UNLIMITED)
        await asyncio.to_thread(broker.start)
        watcher = await asyncio.to_thread(Watcher, broker.port)
        quick = {"keepalive_s": 1, "answer_timeout_s": 0.5, "replay_per_s": 2000.0}
        async with spooling_agent(broker.url, tmp_path, **quick) as agent:
            await agent.connected()
            emitted = [event.id for event in emit(agent.bus, 100)]
            await eventually(lambda: len(watcher.on("event")) == 100)
            broker.signal(signal.SIGSTOP)
            emitted += [event.id for event in emit(agent.bus, 300)]
            await asyncio.sleep(PAUSE_S)
            broker.signal(signal.SIGCONT)
            emitted += [event.id for event in emit(agent.bus, 10)]
            until_s = time.monotonic() + PATIENCE_S + LONGEST_S  # the agent may be in its longest wait
            while set(ids(watcher)) != set(emitted) and time.monotonic() < until_s:
                await asyncio.sleep(0.1)
            assert first_comings(ids(watcher)) == emitted
            # What was in flight when a link was given up may come twice, and nothing else.
            assert len(ids(watcher)) - len(emitted) <= IN_FLIGHT * agent.face.status().reconnects
            await eventually(lambda: agent.face.status().waiting_events == 0)
        watcher.close()
        broker.kill()

    asyncio.run(run())


def test_a_broker_that_is_killed(mosquitto: Mosquitto, watcher: Watcher, tmp_path: Path) -> None:
    async def run() -> None:
        with Relay(mosquitto.port) as wire:
            async with spooling_agent(wire.url, tmp_path, replay_per_s=2000.0) as agent:
                await agent.connected()
                before = [event.id for event in emit(agent.bus, 100)]
                await eventually(lambda: len(watcher.on("event")) == 100)
                await eventually(lambda: agent.face.status().waiting_events == 0)
                mosquitto.kill()
                await eventually(lambda: not agent.face.status().connected)
                wire.cut()
                during = [event.id for event in emit(agent.bus, 200)]
                await asyncio.to_thread(mosquitto.start)
                newcomer = await asyncio.to_thread(Watcher, mosquitto.port, "newcomer")
                wire.mend()
                await eventually(lambda: len(newcomer.on("event")) == 200)
                assert ids(watcher)[:100] == before
                assert ids(newcomer) == during
                newcomer.close()

    asyncio.run(run())


def test_a_slow_network_that_breaks_again_and_again(mosquitto: Mosquitto, watcher: Watcher, tmp_path: Path) -> None:
    async def run() -> None:
        with Relay(mosquitto.port, piece_bytes=300, delay_s=0.002) as wire:
            async with spooling_agent(wire.url, tmp_path, replay_per_s=5000.0) as agent:
                emitted: list[str] = []
                for _ in range(3):
                    await agent.connected()
                    emitted += [event.id for event in emit(agent.bus, 100)]
                    await asyncio.sleep(0.05)
                    wire.cut()
                    await eventually(lambda: not agent.face.status().connected)
                    wire.mend()
                await eventually(lambda: set(ids(watcher)) == set(emitted))
                assert first_comings(ids(watcher)) == emitted
                assert len(ids(watcher)) - len(emitted) <= 3 * IN_FLIGHT

    asyncio.run(run())


def test_an_agent_killed_at_random_moments_loses_nothing(tmp_path: Path) -> None:
    """Each event of which anybody in the agent was told comes; twice only what was on its way at a kill."""
    broker = Mosquitto(tmp_path, UNLIMITED)
    broker.start()
    watcher = Watcher(broker.port)
    chance = random.Random(7)
    told: list[str] = []
    command = [sys.executable, "-m", "tests.agent.mqtt.spooling_agent", broker.url, str(tmp_path), "0.002"]
    for number in range(KILLS + 1):
        last = number == KILLS
        agent = subprocess.Popen([*command, "20"] if last else command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert agent.stdout is not None
        told.append(agent.stdout.readline().strip())  # the run has begun; the moment of the kill is any after it
        time.sleep(1.0 if last else chance.uniform(0, 0.4))
        if not last:
            agent.kill()
            told += [line.strip() for line in agent.stdout if len(line.strip()) == 19]
            agent.wait()
    try:
        until_s = time.monotonic() + 30
        while not set(told) <= set(ids(watcher)) and time.monotonic() < until_s:
            time.sleep(0.1)
        found = ids(watcher)
        assert not set(told) - set(found), "lost"
        firsts = first_comings(found)
        assert firsts == sorted(firsts)
        # Acknowledgements are stored 50 ms late: with 2 ms between events so many may come twice, plus the window.
        assert len(found) - len(firsts) <= KILLS * (IN_FLIGHT + 100)
    finally:
        agent.kill()
        agent.wait()
        watcher.close()
        broker.kill()


def test_events_that_only_the_record_holds_are_spooled_at_the_start(tmp_path: Path) -> None:
    """As after a kill between the two writes."""

    async def run() -> None:
        broker = Mosquitto(tmp_path)
        async with spooling_agent(broker.url, tmp_path) as agent:
            emit(agent.bus, 3)
            await agent.bus.drain()
            agent.journal._companion = None
            missing = emit(agent.bus, 1200)
            await agent.bus.drain()
        async with spooling_agent(broker.url, tmp_path) as agent:
            spool = agent.spooling._spool
            held = await asyncio.to_thread(
                lambda: agent.spooling._database.thread.submit(spool.read, RecordClass.EVENT, 0, 5000).result()
            )
            assert len(held) == 1203
            assert [id_of(record.key) for record in held[3:]] == [event.id for event in missing]
            assert held[-1].unix_ms == missing[-1].unix_ms

    asyncio.run(run())
