# SPDX-License-Identifier: Apache-2.0
"""What Home Assistant sees of a running board, and what its entities do: real broker, real templates, real board."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.mqtt.homeassistant.assistant import Assistant, rendered
from tests.agent.mqtt.homeassistant.rules import problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client


@pytest.fixture(scope="module")
def assistant(demo: Demo) -> Iterator[Assistant]:
    running = Assistant(demo.ready["mqtt"]["port"])
    base = demo.ready["mqtt"]["base"]
    running.until(lambda: running.newest(f"{base}/telemetry"), "telemetry")
    running.until(lambda: len(running.payloads()) == 4, "four devices")
    time.sleep(1.1)  # plain words in the first second after the subscription do not act (safety rule 19)
    yield running
    running.close()


def shows(assistant: Assistant, device: str, key: str, wanted: str) -> None:
    entity = assistant.entity(device, key)
    assistant.until(lambda: assistant.state(entity) == wanted, f"{device} {key} {wanted}: {assistant.state(entity)}")


def test_every_payload_is_taken(assistant: Assistant) -> None:
    for topic, payload in assistant.payloads().items():
        assert problems(topic, payload) == []


def test_the_power_switch_and_the_buttons_act(assistant: Assistant, demo: Demo) -> None:
    shows(assistant, "host_0", "power", "OFF")
    assistant.send(assistant.entity("host_0", "power"), True)
    shows(assistant, "host_0", "power", "ON")
    demo.until("on")
    seen = len(demo.events())
    for button, kind in (("reset", "host.reset"), ("nmi", "host.nmi"), ("cycle", "host.off")):
        assistant.send(assistant.entity("host_0", button))
        assistant.until(lambda kind=kind: kind in [e["kind"] for e in demo.events()[seen:]], kind)
        demo.until("on")
    assistant.send(assistant.entity("host_0", "power"), False)
    shows(assistant, "host_0", "power", "OFF")
    demo.until("off")
    demo.pgood("power", "on")
    assistant.send(assistant.entity("host_0", "soft_off"))
    demo.until("off")
    demo.pgood("power", "on")
    assistant.send(assistant.entity("host_0", "force_off"))
    demo.until("off")
    assert not [event for event in demo.events()[seen:] if event["severity"] == "Critical"]


def test_every_template_renders_what_is_published(assistant: Assistant, demo: Demo) -> None:
    demo.pgood("power", "on")
    shows(assistant, "host_0", "power", "ON")
    shows(assistant, "host_0", "state", "on")
    power, efficiency = (assistant.entity("psu_1", key) for key in ("input_power", "efficiency"))
    assistant.until(lambda: _number(assistant.state(power)) > 10, "telemetry with the host on")
    assistant.until(lambda: _number(assistant.state(efficiency)) > 50, "an efficiency")
    for entity in assistant.entities():
        if "state_topic" not in entity.config:
            continue
        state = assistant.state(entity)
        assert state is not None, entity.key
        assert assistant.available(entity), entity.key
        platform, kind = entity.config["platform"], entity.config.get("device_class")
        if kind == "enum" or platform == "select":
            assert state in entity.config["options"], (entity.key, state)
        elif platform in ("switch", "binary_sensor"):
            assert state in ("ON", "OFF"), (entity.key, state)
        elif entity.config.get("state_class") or platform == "number":
            if state == "None":
                assert entity.key == "efficiency", entity.key  # of a supply that stands by: it delivers nothing
            else:
                float(state)
        elif platform == "event":
            assert state == "" or json.loads(state)["event_type"] in entity.config["event_types"]


def _number(state: str | None) -> float:
    return float(state) if state and state != "None" else 0.0


def test_cold_redundancy_is_set(assistant: Assistant, demo: Demo) -> None:
    def in_force() -> Any:
        return demo.status()["documents"]["redundancy/state"]

    assistant.send(assistant.entity("board", "rotation"), False)
    shows(assistant, "board", "rotation", "OFF")
    assert in_force()["rotation"] is False
    assistant.send(assistant.entity("board", "cold_redundancy"), False)
    shows(assistant, "board", "cold_redundancy", "OFF")
    assert in_force()["enabled"] is False
    assistant.send(assistant.entity("board", "rotation_period"), 3.0)
    shows(assistant, "board", "rotation_period", "3.0")
    assert in_force()["period_s"] == 3 * 86_400
    ranks = in_force()["ranks"]
    assistant.send(assistant.entity("psu_1", "rank"), 2.0)
    shows(assistant, "psu_1", "rank", "2")
    shows(assistant, "psu_2", "rank", "1")
    assert in_force()["ranks"] == [2, 1] != ranks
    for key in ("cold_redundancy", "rotation"):
        assistant.send(assistant.entity("board", key), True)
        shows(assistant, "board", key, "ON")


def test_the_restore_policy_is_chosen_and_ipmi_agrees(assistant: Assistant, demo: Demo) -> None:
    for word, told in (("previous", "previous"), ("on", "always-on"), ("off", "always-off")):
        assistant.send(assistant.entity("board", "restore_policy"), word)
        shows(assistant, "board", "restore_policy", word)
        assert f": {told}" in demo.ipmitool("chassis", "status").replace("Power Restore Policy ", "").replace("  ", " ")
    demo.ipmitool("chassis", "policy", "always-on")
    shows(assistant, "board", "restore_policy", "on")


def test_a_supply_without_input_is_a_problem_and_one_that_is_gone_has_no_readings(
    assistant: Assistant, demo: Demo
) -> None:
    shows(assistant, "psu_2", "problem", "OFF")
    demo.pgood("sim", "supply", "2", "ac-off")
    shows(assistant, "psu_2", "problem", "ON")
    shows(assistant, "psu_2", "health", "input-lost")
    shows(assistant, "board", "redundancy_problem", "ON")
    demo.pgood("sim", "supply", "2", "ac-on")
    shows(assistant, "psu_2", "problem", "OFF")
    power = assistant.entity("psu_2", "input_power")
    assistant.until(lambda: assistant.available(power), "readings")
    demo.pgood("sim", "supply", "2", "remove")
    assistant.until(lambda: not assistant.available(power), "no readings")
    assert assistant.available(assistant.entity("psu_2", "health"))
    demo.pgood("sim", "supply", "2", "insert")
    assistant.until(lambda: assistant.available(power), "readings again")
    shows(assistant, "board", "redundancy_problem", "OFF")


def test_heat_and_a_stalled_fan_are_seen(assistant: Assistant, demo: Demo) -> None:
    shows(assistant, "board", "zone_state_cpu", "normal")
    demo.pgood("sim", "sensor", "cpu", "91")
    shows(assistant, "board", "zone_state_cpu", "passive")
    shows(assistant, "board", "zone_problem_cpu", "ON")
    demo.pgood("sim", "sensor", "cpu", "auto")
    shows(assistant, "board", "zone_problem_cpu", "OFF")
    demo.pgood("sim", "fan", "system", "stall")
    shows(assistant, "board", "fan_speed_system", "0")
    demo.pgood("sim", "fan", "system", "normal")
    speed = assistant.entity("board", "fan_speed_system")
    assistant.until(lambda: assistant.state(speed) not in (None, "0"), "the fan turns again")


def test_events_arrive_as_events(assistant: Assistant, demo: Demo) -> None:
    event = assistant.entity("board", "event")

    def shown() -> list[tuple[str, str, str]]:
        """Everything that the entity was: another event may follow at once."""
        payloads = [seen.payload for seen in assistant.watcher.seen if seen.topic == event.config["state_topic"]]
        states = [json.loads(rendered(event.config["value_template"], payload)) for payload in payloads]
        return [(state["event_type"], state["source"], state["id"]) for state in states]

    demo.pgood("power", "force-off")
    seen = len(demo.events())
    demo.pgood("power", "on")
    (came_on,) = [event for event in demo.until_told("host.on", seen) if event["kind"] == "host.on"]
    assistant.until(lambda: ("host.on", "host/0", came_on["id"]) in shown(), "host.on")
    base = demo.ready["mqtt"]["base"]
    assert not any(seen.retained for seen in assistant.watcher.seen if seen.topic == f"{base}/event")


def test_birth_brings_everything_again(assistant: Assistant, demo: Demo) -> None:
    base = demo.ready["mqtt"]["base"]
    assistant.watcher.seen.clear()
    assistant.birth()
    assistant.until(lambda: assistant.newest(f"{base}/policies/state"), "states")
    assistant.until(lambda: assistant.newest(f"{base}/telemetry"), "telemetry")
    assert len(assistant.payloads()) == 4


def test_the_page_names_entities_that_there_are(assistant: Assistant, demo: Demo) -> None:
    """docs/home-assistant.md has ids of a board called rack1-3f7a."""
    page = (Path(__file__).resolve().parents[2] / "docs/home-assistant.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b([a-z_]+\.)rack1_3f7a(_\w+)", page))
    there = {str(entity.config["default_entity_id"]) for entity in assistant.entities()}
    board = re.sub(r"\W", "_", demo.ready["board"]).lower()
    assert len(named) >= 6
    assert {f"{platform}{board}{key}" for platform, key in named} <= there
