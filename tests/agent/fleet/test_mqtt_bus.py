# SPDX-License-Identifier: Apache-2.0
"""The bus on a real mosquitto keeps the promises of the interface, also over its restarts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.fleet.bus import SECOND_NS, BusError, Message, RevisionMismatch
from agent.fleet.claims import HIGHEST, Claim
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns
from agent.fleet.mqtt_keys import LONGEST
from agent.mqtt.config import MqttConfig
from agent.mqtt.url import parse_url
from tests.agent.mqtt.brokers import PATIENCE_S, Mosquitto, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

TTL_S = 0.5


def config(mosquitto: Mosquitto, name: str) -> MqttConfig:
    return MqttConfig(url=parse_url(mosquitto.url), base="unused", client_id=name)


def with_buses(mosquitto: Mosquitto, count: int, test: Callable[..., Awaitable[None]]) -> None:
    async def run() -> None:
        buses = [MqttBus(config(mosquitto, f"bus{number}")) for number in range(count)]
        for bus in buses:
            bus.start()
        try:
            await eventually(lambda: all(bus.connected for bus in buses), "all are connected")
            await test(*buses)
        finally:
            for bus in buses:
                await bus.close()

    asyncio.run(run())


async def take(messages: AsyncIterator[Message], count: int) -> list[Message]:
    return [await asyncio.wait_for(anext(messages), PATIENCE_S) for _ in range(count)]


class Clock:
    """Stands still unless a test lets time pass: a lease does not end because this machine has to wait."""

    def __init__(self) -> None:
        self.now_ns = boot_clock_ns()

    def __call__(self) -> int:
        return self.now_ns

    def passes(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND_NS)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("agent.fleet.mqtt_bus.boot_clock_ns", clock)
    return clock


async def leased(bus: MqttBus, clock: Clock, name: str = "lead") -> int:
    """Ask until it is held; its revision. The first question begins the connection for leases."""

    async def ask() -> int:
        while True:
            with suppress(BusError):
                if (lease := await bus.lease(name, TTL_S)) is not None:
                    return lease.revision
            clock.passes(0.02)
            await asyncio.sleep(0.02)

    return await asyncio.wait_for(ask(), PATIENCE_S)


def test_retained_first_then_what_comes_live(mosquitto: Mosquitto) -> None:
    async def test(one: MqttBus, two: MqttBus) -> None:
        await one.publish("pgood/fleet/x/1", b"old", retain=True, qos=1)
        mine = one.subscribe("pgood/fleet/x/#")
        assert await take(mine, 1) == [Message("pgood/fleet/x/1", b"old", True)]
        await two.publish("pgood/fleet/x/2", b"new", retain=True, qos=1)
        assert await take(mine, 1) == [Message("pgood/fleet/x/2", b"new")], "live, though it was published retained"

    with_buses(mosquitto, 2, test)


def test_more_than_the_window_arrives(mosquitto: Mosquitto) -> None:
    async def test(one: MqttBus, two: MqttBus) -> None:
        mine = one.subscribe("pgood/fleet/x")
        await one.publish("pgood/fleet/x", b"mark", qos=1)
        await take(mine, 1)
        for number in range(300):
            await two.publish("pgood/fleet/x", str(number).encode(), qos=1)
        assert [int(message.payload) for message in await take(mine, 300)] == list(range(300))

    with_buses(mosquitto, 2, test)


def test_a_broker_that_goes_is_told_and_comes_back(mosquitto: Mosquitto) -> None:
    async def test(one: MqttBus) -> None:
        mine = one.subscribe("pgood/fleet/x")
        mosquitto.kill()
        await eventually(lambda: not one.connected)
        with pytest.raises(BusError, match="broker"):
            await one.publish("pgood/fleet/x", b"lost")
        with pytest.raises(BusError, match="cannot be read"):
            await one.get("k")
        mosquitto.start()
        await eventually(lambda: one.connected)
        await one.publish("pgood/fleet/x", b"again", qos=1)
        assert (await take(mine, 1))[0].payload == b"again"

    with_buses(mosquitto, 1, test)


def test_keys_are_compared_before_they_are_written(mosquitto: Mosquitto) -> None:
    async def test(one: MqttBus, two: MqttBus) -> None:
        assert await one.get("k") is None
        first = await one.put("k", b"1", revision=0)
        second = await two.put("k", b"2", revision=first)
        with pytest.raises(RevisionMismatch, match="read it again"):
            await two.put("k", b"3", revision=first)
        while (found := await one.get("k")) is None or found.revision == first:
            await asyncio.sleep(0.01)  # what the other one wrote is under way
        assert (found.value, found.revision) == (b"2", second)
        await one.delete("k")
        assert await one.get("k") is None
        assert await one.put("k", b"4", revision=0) > second

    with_buses(mosquitto, 2, test)


def test_of_writes_at_the_same_time_one_is_valid_and_newcomers_read_it(mosquitto: Mosquitto) -> None:
    async def test(one: MqttBus, two: MqttBus) -> None:
        at = 0
        for number in range(30):
            values = f"one{number}".encode(), f"two{number}".encode()
            results = await asyncio.gather(
                one.put("k", values[0], revision=at), two.put("k", values[1], revision=at), return_exceptions=True
            )
            won = [index for index, result in enumerate(results) if isinstance(result, int)]
            assert len(won) == 1, results
            at += 1
            assert results[won[0]] == at
            for bus in (one, two):
                found = await bus.get("k")
                assert found is not None
                assert found.value == values[won[0]]
        third = MqttBus(config(mosquitto, "third"))
        third.start()
        await eventually(lambda: third.connected)
        while (found := await third.get("k")) is None or found.value != values[won[0]]:
            await asyncio.sleep(0.01)  # the one that lost is being put right
        await third.close()
        assert found.revision == at

    with_buses(mosquitto, 2, test)


def test_the_longest_value_is_kept_and_foreign_bytes_are_none(mosquitto: Mosquitto) -> None:
    async def test(one: MqttBus, two: MqttBus) -> None:
        longest = bytes(range(256)) * (LONGEST // 256)
        assert await one.put("k", longest) == 1
        for payload in (b"", b"{", b"\xff", b'{"revision":0,"writer":"x"}', b"[" * 5000):
            await two.publish("pgood/fleet/kv/k", payload, qos=1)
        found = await two.get("k")
        assert found is not None
        assert found.value == longest
        with pytest.raises(BusError, match="at most 48000 are possible"):
            await one.put("k", longest + bytes(256))

    with_buses(mosquitto, 2, test)


def test_what_is_no_claim_is_counted_and_gives_the_lease_to_nobody(mosquitto: Mosquitto, clock: Clock) -> None:
    async def test(one: MqttBus, two: MqttBus) -> None:
        assert await leased(one, clock) == 1
        for payload in (b"", b"{", b'{"claimant":"x"}'):
            await two.publish("pgood/fleet/lease/lead", payload, retain=True, qos=1)
        await eventually(lambda: one.malformed_claims == 3)
        assert await leased(one, clock) == 1

    with_buses(mosquitto, 2, test)


def test_a_claim_that_leaves_no_higher_one_is_told(mosquitto: Mosquitto) -> None:
    async def refused(bus: MqttBus) -> None:
        while True:
            try:
                await bus.lease("lead", TTL_S)
            except BusError as error:
                if "pgood/fleet/lease/lead: somebody has claimed the highest revision" in str(error):
                    return
            await asyncio.sleep(0.02)

    async def test(one: MqttBus, two: MqttBus) -> None:
        forged = Claim(claimant="x", number=1, revision=HIGHEST, duration_ms=0)
        await two.publish("pgood/fleet/lease/lead", msgspec.json.encode(forged), retain=True, qos=1)
        for bus in (one, two):
            await asyncio.wait_for(refused(bus), PATIENCE_S)

    with_buses(mosquitto, 2, test)


def test_one_holder_at_a_time_and_revisions_rise(mosquitto: Mosquitto, clock: Clock) -> None:
    async def test(one: MqttBus, two: MqttBus) -> None:
        assert await leased(one, clock) == 1
        with suppress(BusError):
            await two.lease("lead", TTL_S)
        await asyncio.sleep(0.1)
        for _ in range(20):
            assert await leased(one, clock) == 1, "renewed"
            assert await two.lease("lead", TTL_S) is None
            clock.passes(0.05)
        assert await leased(two, clock) == 2, "one does not renew any more"
        assert await one.lease("lead", TTL_S) is None
        await two.release("lead")
        assert await leased(one, clock) == 3
        again = await one.lease("lead", TTL_S, above=40)
        assert again is not None
        assert again.revision == 41
        with pytest.raises(BusError, match="for all who share it"):
            await one.lease("lead", 3 * TTL_S)

    with_buses(mosquitto, 2, test)


def test_several_brokers_are_refused(mosquitto: Mosquitto) -> None:
    one = config(mosquitto, "x")
    with pytest.raises(ValueError, match="all of a fleet use one broker"):
        MqttBus(replace(one, fallbacks=(one.url,)))
