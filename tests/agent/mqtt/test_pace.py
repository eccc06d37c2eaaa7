# SPDX-License-Identifier: Apache-2.0
"""How often telemetry comes, over a real mosquitto."""

from __future__ import annotations

import asyncio
import json

from agent.mqtt.telemetry_form import TelemetryForm
from agent.profile.schema import TelemetryRule
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually
from tests.agent.mqtt.faces import running
from tests.agent.mqtt.homeassistant.assistant import Assistant

RULES = (TelemetryRule(reading="supplies/+/pout_w", deadband=5.0),)


def test_on_change_and_heartbeat(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        form = TelemetryForm(formats=("json",), qos=1, rules=RULES)
        async with running(mosquitto.url, telemetry_interval_s=0.02, heartbeat_s=3600.0, telemetry=form) as agent:
            await eventually(lambda: watcher.on("telemetry"))
            await asyncio.sleep(0.3)
            assert len(watcher.on("telemetry")) == 1
            agent.board.readings = {"supplies": {"1": {"pout_w": 124.0, "vin_v": None}}}
            await asyncio.sleep(0.2)
            assert len(watcher.on("telemetry")) == 1
            agent.board.readings = {"supplies": {"1": {"pout_w": 130.0, "vin_v": None}}}
            await eventually(lambda: len(watcher.on("telemetry")) == 2)
            assert [json.loads(payload)["seq"] for payload in watcher.payloads("telemetry")] == [1, 2]
            assert {seen.qos for seen in watcher.on("telemetry")} == {1}
            assert not watcher.on("telemetry/msgpack")

    asyncio.run(run())


def test_another_pace_counts_at_once_and_home_assistant_learns_of_it(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        assistant = Assistant(mosquitto.port)
        async with running(mosquitto.url, telemetry_interval_s=3600.0) as agent:
            await eventually(lambda: watcher.on("telemetry"))
            await eventually(lambda: len(assistant.payloads()) == 4, "four devices")
            assert assistant.entity("psu_1", "input_power").config["expire_after"] == 3 * 3600
            agent.face.set_pace(0.05, 20.0)
            await eventually(lambda: assistant.entity("psu_1", "input_power").config["expire_after"] == 60)
            agent.board.readings = {"supplies": {"1": {"pout_w": 1.0}}}
            await eventually(lambda: len(watcher.on("telemetry")) == 2)
        assistant.close()

    asyncio.run(run())
