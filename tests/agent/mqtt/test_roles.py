# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the table alone, and over a real mosquitto with an access list."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from agent.mqtt.config import mqtt_config
from agent.mqtt.roles import Roles
from agent.power.request import Action
from agent.profile.site import SiteDiscovery, SiteMqtt, SiteRole
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually
from tests.agent.mqtt.faces import BASE, running
from tests.agent.mqtt.homeassistant.assistant import Assistant

if TYPE_CHECKING:
    from pathlib import Path

TABLE = {"viewer": ["request/+/status"], "night": ["host/0/set", "request/hosts/power/#"]}


@pytest.mark.parametrize(
    ("role", "topic", "allowed"),
    [
        ("", "host/0/set", True),
        ("default", "request/system/emergency/off", True),
        ("viewer", "request/hosts/status", True),
        ("viewer", "request/hosts/power/on", False),
        ("viewer", "host/0/set", False),
        ("night", "host/0/set", True),
        ("night", "host/1/set", False),
        ("night", "request/hosts/power/off", True),
        ("night", "as/default/redundancy/set", False),
        ("stranger", "request/hosts/status", False),
    ],
)
def test_the_table(role: str, topic: str, allowed: bool) -> None:
    assert (Roles(TABLE).forbids(role, topic) == "") is allowed


def test_the_plain_topics_can_be_narrowed() -> None:
    roles = Roles({"default": ["request/+/status"]})
    assert roles.forbids("", "host/0/set")
    assert not roles.forbids("", "request/hosts/status")
    assert not roles.prefixed or "default" in roles


@pytest.mark.parametrize("text", ["", "a/#/b", "a/b+", "#a", "as/x/#", "a\0b"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"mqtt\.roles\.x"):
        Roles({"x": [text]})


def test_home_assistants_role_must_exist() -> None:
    with pytest.raises(ValueError, match=r"mqtt\.discovery\.role"):
        mqtt_config(SiteMqtt(discovery=SiteDiscovery(role="ha")), "b", url="mqtt://localhost")
    site = SiteMqtt(discovery=SiteDiscovery(role="ha"), roles={"ha": SiteRole(allow=("#",))})
    made = mqtt_config(site, "b", url="mqtt://localhost")
    assert made is not None
    assert made.discovery_role == "ha"


ACL = """\
user board
topic readwrite #
user viewer
topic read pgood/#
topic write pgood/+/as/viewer/#
user night
topic read pgood/#
topic write pgood/+/as/night/#
"""


def test_a_role_cannot_do_what_another_may(tmp_path: Path) -> None:
    """The broker keeps the roles apart, the board keeps them within their bounds; every refusal is answered."""
    acl = tmp_path / "acl"
    acl.write_text(ACL, encoding="utf-8")
    acl.chmod(0o600)
    mosquitto = Mosquitto(tmp_path, ["allow_anonymous true", f"acl_file {acl}"])
    mosquitto.start()

    async def publish(user: str, topic: str, payload: str) -> None:
        await asyncio.to_thread(mosquitto.publish, f"{BASE}/{topic}", payload, "-u", user)

    async def test() -> None:
        url = mosquitto.url.replace("mqtt://", "mqtt://board@")
        watcher = Watcher(mosquitto.port, user="viewer")
        async with running(url, roles=Roles(TABLE)) as agent:
            await agent.taking_commands()
            await publish("viewer", "host/0/set", "ON")  # the broker drops it
            await publish("viewer", "as/night/host/0/set", "ON")  # and this
            await publish("viewer", "as/viewer/host/0/set", "ON")
            await eventually(lambda: watcher.on("host/0/result"))
            assert json.loads(watcher.payloads("host/0/result")[0])["verdict"] == "forbidden"
            assert not agent.board.requests
            await publish("night", "as/night/host/0/set", "ON")
            await eventually(lambda: agent.board.requests)
            assert [(one.action, one.origin) for one in agent.board.requests] == [(Action.ON, "mqtt:night")]
            assert agent.face.status().refused_commands == 1
        watcher.close()

    try:
        asyncio.run(test())
    finally:
        mosquitto.kill()


def test_home_assistant_commands_as_its_role(mosquitto: Mosquitto) -> None:
    async def test() -> None:
        assistant = Assistant(mosquitto.port)
        roles = Roles({"default": ["request/+/status"], "ha": ["host/+/set"]})
        async with running(mosquitto.url, roles=roles, discovery_role="ha") as agent:
            await eventually(lambda: len(assistant.payloads()) == 4, "four devices")
            await agent.taking_commands()
            switch = assistant.entity("host_0", "power")
            assert switch.config["command_topic"] == f"{BASE}/as/ha/host/0/set"
            await asyncio.to_thread(assistant.send, switch, True)
            await eventually(lambda: agent.board.powered)
        assistant.close()

    asyncio.run(test())
