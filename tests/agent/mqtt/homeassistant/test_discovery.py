# SPDX-License-Identifier: Apache-2.0
"""Discovery payloads against the rules of Home Assistant, for boards of every shape."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.signals.interface import SignalUnit
from agent.mqtt.homeassistant.discovery import discovery, platforms, with_removed
from agent.mqtt.homeassistant.naming import Naming
from agent.mqtt.inventory import EnergyItem, HostItem, Inventory, SensorItem, SupplyItem
from agent.power.request import Action
from agent.profile.thermal_tables import Quantity
from tests.agent.mqtt.boards import INVENTORY
from tests.agent.mqtt.homeassistant.rules import problems

NAMING = Naming("pgood/bench-1234", "bench-1234", "homeassistant", 15)
NODE = "homeassistant/device/pgood-bench-1234"


def of(inventory: Inventory = INVENTORY) -> dict[str, dict[str, Any]]:
    return discovery(inventory, NAMING)


def component(device: str, key: str, inventory: Inventory = INVENTORY) -> dict[str, Any]:
    found: dict[str, Any] = of(inventory)[f"{NODE}/{device}/config"]["components"][key]
    return found


def test_one_device_each_that_hangs_from_the_board() -> None:
    payloads = of()
    assert list(payloads) == [f"{NODE}/{device}/config" for device in ("board", "host_0", "psu_1", "psu_2")]
    board, *parts = (payload["device"] for payload in payloads.values())
    assert "via_device" not in board
    assert {part["via_device"] for part in parts} == set(board["identifiers"])
    assert parts[1]["serial_number"] == "S1"
    assert "serial_number" not in parts[2]


def test_a_good_payload_has_no_problems() -> None:
    for topic, payload in of().items():
        assert problems(topic, payload) == []


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", fullmatch=True)
TEXTS = st.text(max_size=20)
UNITS = st.sampled_from([unit.value for unit in SignalUnit])
INVENTORIES = st.builds(
    Inventory,
    board=NAMES,
    version=st.just("1.0"),
    manufacturer=TEXTS,
    product=TEXTS,
    part_number=TEXTS,
    hosts=st.lists(st.builds(HostItem, NAMES, st.frozensets(st.sampled_from(Action))), unique_by=lambda h: h.name).map(
        tuple
    ),
    supplies=st.lists(st.builds(SupplyItem, NAMES, TEXTS, TEXTS), max_size=4, unique_by=lambda s: s.name).map(tuple),
    sensors=st.lists(
        st.builds(SensorItem, NAMES, TEXTS, st.sampled_from(Quantity)), max_size=4, unique_by=lambda s: s.name
    ).map(tuple),
    zones=st.lists(NAMES, max_size=3, unique=True).map(tuple),
    fans=st.lists(NAMES, max_size=3, unique=True).map(tuple),
    domains=st.lists(NAMES, max_size=3, unique=True).map(lambda names: tuple(f"chassis/{name}" for name in names)),
    cold_redundancy=st.booleans(),
    event_kinds=st.just(("host.on",)),
    energy=st.none() | st.dictionaries(NAMES, UNITS, max_size=4).map(lambda units: EnergyItem(tuple(units.items()))),
)


def test_a_cap_and_what_it_follows() -> None:
    energy = EnergyItem((("price", "EUR/MWh"), ("carbon", "gCO2/kWh")))
    inventory = replace(INVENTORY, energy=energy)
    topic, payload = next(iter(of(inventory).items()))
    assert problems(topic, payload) == []
    price = component("board", "signal_price", inventory)
    assert price["unit_of_measurement"] == "EUR/MWh"
    assert price["value_template"] == "{{ value_json.energy.signals['price'] }}"
    cap = component("board", "power_cap", inventory)
    assert (cap["unit_of_measurement"], cap["device_class"]) == ("W", "power")
    assert component("board", "node_energy_today", inventory)["state_class"] == "total_increasing"
    assert not [key for key in of()[topic]["components"] if key.startswith("signal_")]


@settings(deadline=None, max_examples=60)
@given(INVENTORIES)
def test_boards_of_every_shape(inventory: Inventory) -> None:
    naming = replace(NAMING, board=inventory.board, base=f"pgood/{inventory.board}")
    payloads = discovery(inventory, naming)
    for topic, payload in payloads.items():
        assert problems(topic, payload) == []
    ids = [c["unique_id"] for payload in payloads.values() for c in payload["components"].values()]
    assert len(ids) == len(set(ids))


def test_zones_fans_and_domains_are_entities_of_the_board() -> None:
    parts = replace(INVENTORY, zones=("cpu",), fans=("front",), domains=("aux/fans",))
    shown = {
        "zone_state_cpu": "thermal/cpu/state",
        "zone_problem_cpu": "thermal/cpu/state",
        "fan_speed_front": "telemetry",
        "fan_duty_front": "telemetry",
        "domain_fans": "aux/fans/state",
    }
    for key, topic in shown.items():
        assert component("board", key, parts)["state_topic"] == f"pgood/bench-1234/{topic}"
        assert key not in of()[f"{NODE}/board/config"]["components"]


def test_what_the_energy_dashboard_asks_for() -> None:
    for device in ("board", "psu_1", "psu_2"):
        energy = component(device, "energy")
        assert (energy["device_class"], energy["state_class"], energy["unit_of_measurement"]) == (
            "energy",
            "total_increasing",
            "kWh",
        )
        power = component(device, "input_power")
        assert (power["device_class"], power["state_class"], power["unit_of_measurement"]) == (
            "power",
            "measurement",
            "W",
        )


def test_only_what_is_wired_can_be_pressed() -> None:
    bare = replace(INVENTORY, hosts=(HostItem("0", frozenset({Action.RESET})),))
    components = of(bare)[f"{NODE}/host_0/config"]["components"]
    buttons = [key for key, one in components.items() if one["platform"] == "button"]
    assert buttons == ["reset"]
    assert components["power"]["platform"] == "binary_sensor"


def test_what_cuts_power_is_to_be_enabled_first() -> None:
    assert component("host_0", "force_off")["enabled_by_default"] is False
    assert component("host_0", "nmi")["enabled_by_default"] is False
    assert "enabled_by_default" not in component("host_0", "reset")


def test_the_switch_is_the_host() -> None:
    switch = component("host_0", "power")
    assert switch["platform"] == "switch"
    assert switch["name"] is None


def test_a_component_that_is_gone_is_marked() -> None:
    payload = of()[f"{NODE}/host_0/config"]
    known = {**platforms(payload), "old": "button"}
    marked = with_removed(payload, known)
    assert marked["components"]["old"] == {"platform": "button"}
    assert problems(f"{NODE}/host_0/config", marked) == []
    assert with_removed(payload, platforms(payload)) == payload


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("child_devices",), []),
        (("message_expiry_interval",), 5),
        (("device", "via_hub"), "x"),
        (("origin", "url_of"), "x"),
        (("components", "energy", "entity_category"), "config"),
        (("components", "energy", "unit_of_measurement"), "W"),
        (("components", "energy", "state_class"), "measurement"),
        (("components", "energy", "object_id"), "x"),
        (("components", "event", "state_class"), "measurement"),
        (("components", "redundancy", "unit_of_measurement"), "W"),
        (("availability_topic",), "x"),
        (("components", "energy", "unique_id"), "pgood_bench-1234_event"),
    ],
)
def test_the_rules_see_what_home_assistant_refuses(path: tuple[str, ...], value: object) -> None:
    topic = f"{NODE}/board/config"
    payload = copy.deepcopy(of()[topic])
    place = payload
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert len(problems(topic, payload)) == 1


def test_the_rules_see_what_is_missing() -> None:
    assert problems("homeassistant/device/a.b/config", {}) != []
    payload = of()[f"{NODE}/board/config"]
    del payload["components"]["event"]["event_types"], payload["device"]["identifiers"]
    assert len(problems(f"{NODE}/board/config", payload)) == 2
