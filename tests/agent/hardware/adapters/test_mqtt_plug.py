# SPDX-License-Identifier: Apache-2.0
"""Adapter `mqtt-plug` with a real mosquitto and a plug that behaves as Tasmota does."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import (
    Ability,
    AdapterError,
    Level,
    Precondition,
    PreconditionFailed,
    Sense,
    Surroundings,
)
from agent.hardware.adapters.mqtt_plug import KIND, PlugOptions
from agent.profile.schema import Profile
from tests.agent.hardware.adapters.tasmota import COMMAND, LWT, STATE, Tasmota
from tests.agent.hardware.adapters.worlds import bad, play, until
from tests.agent.mqtt.brokers import Mosquitto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from agent.hardware.adapters.interface import PowerAdapter

AROUND = Surroundings("adapters.plug", Profile(schema=1, name="test"))
OFF, ON = Precondition(Level.OFF), Precondition(Level.ON)
TASMOTA: dict[str, object] = {
    "command_topic": COMMAND,
    "state_topic": STATE,
    "availability_topic": LWT,
    "query_topic": COMMAND,
    "query_s": 0.5,
    "timeout_s": 2.0,
}


@pytest.fixture
def plug(mosquitto: Mosquitto) -> Iterator[Tasmota]:
    plug = Tasmota(mosquitto)
    yield plug
    plug.close()


def options(mosquitto: Mosquitto, **more: object) -> PlugOptions:
    return PlugOptions(url=mosquitto.url, **{**TASMOTA, **more})  # type: ignore[arg-type]


@asynccontextmanager
async def started(chosen: PlugOptions) -> AsyncIterator[tuple[PowerAdapter, list[Sense]]]:
    heard: list[Sense] = []
    adapter = KIND.make(chosen, AROUND)
    await adapter.start(heard.append)
    try:
        yield adapter, heard
    finally:
        await adapter.close()


def test_conforms_also_when_the_broker_is_killed_and_comes_back(mosquitto: Mosquitto, plug: Tasmota) -> None:
    async def story() -> None:
        chosen = options(mosquitto)
        assert not bad(await check_adapter("adapters.plug", lambda: KIND.make(chosen, AROUND), plug, timeout_s=2.0))

    play(story)


def test_a_plug_that_leaves_is_unknown_and_asked_anew_when_it_is_back(mosquitto: Mosquitto, plug: Tasmota) -> None:
    async def story() -> None:
        async with started(options(mosquitto)) as (adapter, heard):
            await until(lambda: heard[-1].level is Level.OFF)
            await asyncio.to_thread(plug.vanish)
            await until(lambda: heard[-1].level is Level.UNKNOWN)
            assert heard[-1].reason == "adapters.plug: the plug is away: tele/plug/LWT says 'Offline'"
            with pytest.raises(AdapterError, match="nothing was sent"):
                await adapter.act(Ability.ON, OFF)
            again = await asyncio.to_thread(Tasmota, mosquitto)
            await until(lambda: heard[-1].level is Level.OFF)
            assert again.taken == []
            await asyncio.to_thread(again.close)

    play(story)


def test_a_stuck_plug_is_told_from_a_broker_that_is(mosquitto: Mosquitto, plug: Tasmota) -> None:
    async def story() -> None:
        async with started(options(mosquitto)) as (adapter, heard):
            await until(lambda: heard[-1].level is Level.OFF)
            plug.stuck = True
            with pytest.raises(AdapterError, match=r"adapters\.plug: the plug is stuck: it was told 'ON' on cmnd"):
                await adapter.act(Ability.ON, OFF)
            assert heard[-1].level is Level.OFF
            assert plug.taken == ["ON"]

    play(story)


def test_a_command_into_a_frozen_broker_does_not_come_late(mosquitto: Mosquitto, plug: Tasmota) -> None:
    async def story() -> None:
        async with started(options(mosquitto, query_topic="", timeout_s=1.0)) as (adapter, heard):
            await until(lambda: "has said nothing yet" in heard[-1].reason)
            await plug.become(Level.OFF)
            await until(lambda: heard[-1].level is Level.OFF)
            mosquitto.signal(signal.SIGSTOP)
            try:
                with pytest.raises(AdapterError, match="did not take the command"):
                    await adapter.act(Ability.ON, OFF)
                await until(lambda: heard[-1].level is Level.UNKNOWN)
            finally:
                mosquitto.signal(signal.SIGCONT)

    play(story)


def test_a_mute_plug_is_unknown_and_gets_no_command(mosquitto: Mosquitto, plug: Tasmota) -> None:
    async def story() -> None:
        async with started(options(mosquitto, query_s=0.2)) as (adapter, heard):
            await until(lambda: heard[-1].level is Level.OFF)
            plug.mute = True
            with pytest.raises(AdapterError, match=r"does not answer .* nothing was sent"):
                await adapter.act(Ability.ON, OFF)
            await until(lambda: heard[-1].level is Level.UNKNOWN)
            assert plug.taken == []

    play(story)


def test_a_hand_on_the_plug_wins(mosquitto: Mosquitto, plug: Tasmota) -> None:
    async def story() -> None:
        async with started(options(mosquitto)) as (adapter, heard):
            await until(lambda: heard[-1].level is Level.OFF)
            plug.on = True  # and says nothing of it: it is asked
            with pytest.raises(PreconditionFailed):
                await adapter.act(Ability.ON, OFF)
            await until(lambda: heard[-1].level is Level.ON)
            assert plug.taken == []

    play(story)


@pytest.mark.parametrize(
    ("payload", "more", "level", "why"),
    [
        ("garbage", {}, Level.UNKNOWN, "says 'garbage', neither 'ON' nor 'OFF'"),
        (b"\xff\xfe", {}, Level.UNKNOWN, "is not text"),
        ('{"state": "ON", "power": 12}', {"state_key": "state"}, Level.ON, ""),
        ('["ON"]', {"state_key": "state"}, Level.UNKNOWN, "is no JSON object"),
        ("{" * 5000, {"state_key": "state"}, Level.UNKNOWN, "is no JSON"),
    ],
)
def test_payloads(mosquitto: Mosquitto, payload: str | bytes, more: dict[str, object], level: Level, why: str) -> None:
    async def story() -> None:
        async with started(options(mosquitto, query_topic="", **more)) as (_, heard):
            await until(lambda: "says nothing" in heard[-1].reason)
            await asyncio.to_thread(mosquitto.publish, LWT, "Online", "-r")
            await until(lambda: "has said nothing yet" in heard[-1].reason)
            await asyncio.to_thread(mosquitto.publish, STATE, payload)
            await until(lambda: heard[-1].level is level and why in heard[-1].reason)

    play(story)


def test_a_retained_state_counts_only_of_a_plug_that_is_there(mosquitto: Mosquitto) -> None:
    async def story() -> None:
        await asyncio.to_thread(mosquitto.publish, STATE, "ON", "-r")
        async with started(options(mosquitto, query_topic="")) as (_, heard):
            await until(lambda: "says nothing" in heard[-1].reason)
            await asyncio.to_thread(mosquitto.publish, LWT, "Online", "-r")
            await until(lambda: heard[-1].level is Level.ON)
        async with started(options(mosquitto, availability_topic="")) as (_, heard):
            await until(lambda: "does not answer" in heard[-1].reason)
            assert all(sense.level is Level.UNKNOWN for sense in heard)

    play(story)


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    strict = Mosquitto(tmp_path, ("allow_anonymous false", f"password_file {passwords}"))
    strict.start(probe=False)
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)

    async def story() -> None:
        url = strict.url.replace("mqtt://", "mqtt://pgood@")
        keys: dict[str, object] = {**TASMOTA, "url": url, "password_file": str(secret)}
        async with started(PlugOptions(**keys)) as (adapter, heard):  # type: ignore[arg-type]
            await until(lambda: "refuses us" in heard[-1].reason)
            with pytest.raises(AdapterError) as caught:
                await adapter.act(Ability.ON, OFF)
            assert "hunter2" not in str(caught.value) + repr(heard) + repr(vars(adapter))

    try:
        play(story)
    finally:
        strict.kill()


def test_faults() -> None:
    def keys(**more: object) -> list[str]:
        given = {"url": "mqtt://h", "command_topic": "c", "state_topic": "s", "availability_topic": "a", **more}
        return [key for key, _ in KIND.faults(PlugOptions(**given), AROUND.profile)]  # type: ignore[arg-type]

    assert keys() == []
    assert keys(url="http://h") == ["url"]
    assert keys(url="mqtt://user:secret@h") == ["url"]
    assert keys(availability_topic="") == ["availability_topic"]
    assert keys(state_on="x", state_off="x") == ["state_off"]
    assert keys(state_topic="c") == ["state_topic"]
