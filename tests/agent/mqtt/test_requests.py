# SPDX-License-Identifier: Apache-2.0
"""Requests over a real mosquitto: where answers go, what they look like, what never acts."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.power.request import Reply, Verdict
from agent.requests.endpoint import Answer, Endpoint, Failure, NoArguments, RequestFailed
from tests.agent.mqtt.brokers import HOST, Mosquitto, Watcher, eventually
from tests.agent.mqtt.faces import BASE, Running, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Arguments(msgspec.Struct, forbid_unknown_fields=True):
    host: str = "0"


class Methods:
    """Endpoints that only remember."""

    def __init__(self) -> None:
        self.served: list[tuple[str, str]] = []

    def table(self) -> dict[str, Endpoint]:
        return {
            "hosts/power/on": Endpoint(True, Arguments, self._long),
            "hosts/status": Endpoint(False, Arguments, self._quick),
            "hosts/nmi": Endpoint(True, Arguments, self._refused),
            "policies/update": Endpoint(True, Arguments, self._quick),
            "system/broken": Endpoint(True, NoArguments, self._broken),
        }

    async def _long(self, given: Arguments, origin: str) -> AsyncIterator[Answer]:
        self.served.append((given.host, origin))
        yield Answer(True, "accepted", operation="op-1", final=False)
        yield Answer(True, "running", operation="op-1", final=False)
        yield Answer.of(Reply(Verdict.FAILED, "no power-good within 5 s"), operation="op-1")

    async def _quick(self, given: Arguments, origin: str) -> AsyncIterator[Answer]:
        self.served.append((given.host, origin))
        yield Answer.done({"state": "on"})

    async def _refused(self, given: Arguments, origin: str) -> AsyncIterator[Answer]:
        raise RequestFailed(Failure.UNKNOWN_HOST, f"no host {given.host}")
        yield Answer.done(None)

    async def _broken(self, given: NoArguments, origin: str) -> AsyncIterator[Answer]:
        raise RuntimeError("a fault of the board")
        yield Answer.done(None)


class Client:
    def __init__(self, mosquitto: Mosquitto, agent: Running, watcher: Watcher, methods: Methods) -> None:
        self.mosquitto = mosquitto
        self.agent = agent
        self.watcher = watcher
        self.methods = methods

    async def send(self, method: str, payload: str, *options: str) -> None:
        await asyncio.to_thread(self.mosquitto.publish, f"{BASE}/request/{method}", payload, *options)

    async def ask(self, method: str, payload: str, *options: str, answers: int = 1) -> list[dict[str, Any]]:
        before = len(self.watcher.on(f"response/{method}"))
        await self.send(method, payload, *options)
        await eventually(lambda: len(self.watcher.on(f"response/{method}")) >= before + answers, f"answers of {method}")
        return [json.loads(one) for one in self.watcher.payloads(f"response/{method}")[before:]]


def over(mosquitto: Mosquitto, test: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        watcher, methods = Watcher(mosquitto.port), Methods()
        async with running(mosquitto.url) as agent:
            agent.board.methods = methods.table()
            await agent.taking_commands()
            await test(Client(mosquitto, agent, watcher, methods))
        watcher.close()

    asyncio.run(run())


@pytest.mark.parametrize("options", [("-V", "mqttv311"), ("-V", "5")])
def test_accepted_progress_result(mosquitto: Mosquitto, options: tuple[str, ...]) -> None:
    async def test(client: Client) -> None:
        answers = await client.ask("hosts/power/on", '{"host": "7", "transaction": "t"}', *options, answers=3)
        assert [(a["verdict"], a["ok"], a["final"], a["operation"]) for a in answers] == [
            ("accepted", True, False, "op-1"),
            ("running", True, False, "op-1"),
            ("failed", False, True, "op-1"),
        ]
        assert answers[2]["reason"] == "no power-good within 5 s"
        assert {a["transaction"] for a in answers} == {"t"}
        assert client.methods.served == [("7", "mqtt")]

    over(mosquitto, test)


def test_every_refusal_is_typed_and_says_why(mosquitto: Mosquitto) -> None:
    async def test(client: Client) -> None:
        cases = [
            ("hosts/status", '{"hots": "0", "transaction": 1}', "bad-arguments", "hots"),
            ("hosts/status", '{"host": 0}', "bad-arguments", "host"),
            ("hosts/status", "ON", "malformed", "JSON"),
            ("hosts/status", '{"issued_at": "yesterday"}', "malformed", "issued_at"),
            ("hosts/status", '{"issued_at": 1000}', "expired", "issued_at"),
            ("hosts/nmi", '{"host": "9"}', "unknown-host", "9"),
            ("hosts/explode", "{}", "unknown-method", "methods/list"),
            ("system/broken", "", "failed", "RuntimeError"),
        ]
        for method, payload, verdict, word in cases:
            (answer,) = await client.ask(method, payload or " ")
            assert (answer["ok"], answer["verdict"], answer["final"]) == (False, verdict, True)
            assert word in answer["reason"]
        assert not client.methods.served

    over(mosquitto, test)


def test_duplicates_and_retained_never_act(mosquitto: Mosquitto) -> None:
    async def test(client: Client) -> None:
        once = '{"transaction": "once"}'
        assert (await client.ask("hosts/status", once))[0]["data"] == {"state": "on"}
        assert (await client.ask("hosts/status", once))[0]["verdict"] == "duplicate"
        assert (await client.ask("hosts/status", " ", "-r", "-V", "5"))[0]["verdict"] == "retained"
        assert len(client.methods.served) == 1
        await client.send("hosts/Power/on", "{}")
        await client.send("x/" * 40, "{}")
        await eventually(lambda: client.agent.face.status().refused_commands == 4)

    over(mosquitto, test)


def test_a_retained_request_that_waits_for_us_never_acts(mosquitto: Mosquitto) -> None:
    mosquitto.publish(f"{BASE}/request/hosts/power/on", "{}", "-r", "-q", "1")

    async def test(client: Client) -> None:
        await eventually(lambda: client.watcher.on("response/hosts/power/on"))
        assert json.loads(client.watcher.payloads("response/hosts/power/on")[0])["verdict"] == "retained"
        assert not client.methods.served

    over(mosquitto, test)


def test_a_response_topic_with_correlation_takes_the_place(mosquitto: Mosquitto) -> None:
    async def test(client: Client) -> None:
        command = [
            "mosquitto_rr",
            "-V",
            "5",
            "-h",
            HOST,
            "-p",
            str(mosquitto.port),
            "-t",
            f"{BASE}/request/hosts/status",
        ]
        command += [
            "-m",
            "{}",
            "-e",
            "replies/me",
            "-D",
            "publish",
            "correlation-data",
            "c-1",
            "-W",
            "10",
            "-F",
            "%D %p",
        ]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30)
        correlation, _, payload = done.stdout.partition(" ")
        assert correlation == "c-1", done
        assert json.loads(payload)["data"] == {"state": "on"}
        assert not client.watcher.on("response/hosts/status")

    over(mosquitto, test)


def test_set_topics_are_short_for_requests(mosquitto: Mosquitto) -> None:
    async def test(client: Client) -> None:
        await asyncio.to_thread(mosquitto.publish, f"{BASE}/policies/set", '{"host": "x", "transaction": 5}')
        await eventually(lambda: client.watcher.on("policies/result"))
        assert json.loads(client.watcher.payloads("policies/result")[0]) == {
            "ok": True,
            "verdict": "done",
            "reason": "",
            "transaction": 5,
        }
        await asyncio.to_thread(mosquitto.publish, f"{BASE}/psu/1/set", '{"rank": 1}')
        await eventually(lambda: client.watcher.on("psu/1/result"))
        assert json.loads(client.watcher.payloads("psu/1/result")[0])["verdict"] == "unknown-method"

    over(mosquitto, test)


def test_commands_off_is_telemetry_only(mosquitto: Mosquitto) -> None:
    async def run() -> None:
        watcher, methods = Watcher(mosquitto.port), Methods()
        async with running(mosquitto.url, commands=False, telemetry_interval_s=0.1) as agent:
            agent.board.methods = methods.table()
            await agent.connected()
            await asyncio.to_thread(mosquitto.publish, f"{BASE}/request/hosts/status", "{}")
            await asyncio.to_thread(mosquitto.publish, f"{BASE}/host/0/set", "ON")
            count = len(watcher.on("telemetry"))
            await eventually(lambda: len(watcher.on("telemetry")) > count + 2)
            assert not methods.served
            assert not agent.board.requests
        watcher.close()

    asyncio.run(run())
