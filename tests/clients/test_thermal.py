# SPDX-License-Identifier: Apache-2.0
"""Heat as foreign clients see it: sensors and zones over IPMI and MQTT, a hot inlet that shuts down, trends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.mqtt.brokers import Watcher
from tests.patience import until

if TYPE_CHECKING:
    from tests.clients.demo import Demo

pytestmark = pytest.mark.client


def zone(demo: Demo, name: str) -> dict[str, Any]:
    document: dict[str, Any] = demo.status()["documents"][f"thermal/{name}/state"]
    return document


def test_humidity_and_fan_are_sensors(demo: Demo) -> None:
    demo.pgood("sim", "sensor", "room", "60")
    until(lambda: "60" in demo.ipmitool("sensor", "reading", "Room Humidity"))
    listed = demo.ipmitool("sdr", "elist")
    assert "percent" in next(line for line in listed.splitlines() if line.startswith("Room Humidity"))
    until(lambda: " RPM" in demo.ipmitool("sdr", "type", "Fan").partition("Fan system")[2].partition("\n")[0])
    assert "Lower Critical        : 600.000" in demo.ipmitool("sensor", "get", "Fan system")
    assert "| %     |" in demo.freeipmi("ipmi-sensors").partition("Room Humidity")[2]


def test_a_hot_inlet_shuts_the_host_down_and_forbids_nothing_when_it_has_cooled(demo: Demo) -> None:
    watcher = Watcher(demo.ready["mqtt"]["port"])
    demo.pgood("power", "on")
    demo.until("on")
    demo.pgood("sim", "sensor", "inlet", "57")
    demo.until("off")
    assert zone(demo, "inlet")["state"] == "hot"
    assert zone(demo, "cpu")["state"] in ("normal", "active")

    def told() -> dict[str, Any]:
        document: dict[str, Any] = json.loads(watcher.payloads("thermal/inlet/state")[-1])
        return document

    until(lambda: told()["state"] == "hot", told)
    assert told()["trips"]["hot"] == {"celsius": 55.0, "hysteresis_c": 3.0, "exceeded": True}
    demo.until_logged("Zone inlet | Transition to Critical from less severe | Asserted")
    problems = json.loads(demo.pgood("call", "health/check"))["data"]["problems"]
    assert any(problem["source"] == "thermal/inlet" for problem in problems)
    assert "zone inlet: hot, inlet at 57 C" in demo.pgood("status")
    demo.pgood("sim", "sensor", "inlet", "auto")
    until(lambda: zone(demo, "inlet")["state"] == "normal")
    demo.pgood("power", "on")
    demo.until("on")
    watcher.close()


def test_a_stalled_fan_is_critical_over_ipmi(demo: Demo) -> None:
    demo.pgood("sim", "fan", "system", "stall")
    until(lambda: "Fan Fan system | Lower Critical going low" in demo.ipmitool("sel", "elist"))
    until(lambda: "| lcr" in demo.ipmitool("sdr", "elist").partition("Fan system")[2].partition("\n")[0])
    assert "known" not in demo.pgood("sim", "fan", "system", "normal")
    assert "a fan knows stall, normal" in demo.pgood("sim", "fan", "system", "nonsense", code=1)
    until(lambda: zone(demo, "cpu")["fans"]["system"]["stalled"] is False)


def test_trends_are_shown(demo: Demo) -> None:
    until(lambda: "temperatures_c/cpu" in demo.pgood("trends"))
    until(lambda: "min" in demo.pgood("trends", "temperatures_c/cpu", "--span", "day"))
    shown = demo.pgood("trends", "temperatures_c/cpu", "--span", "day")
    assert shown.startswith("temperatures_c/cpu  ")
    assert "min" in shown

    def trend_of_power() -> dict[str, Any]:
        trend: dict[str, Any] = json.loads(demo.pgood("trends", "supply_set/pin_w", "--json"))
        return trend

    until(lambda: bool(trend_of_power()["points"]))
    trend = trend_of_power()
    assert trend["step_s"] == 60
    assert trend["points"][-1]["max"] >= trend["points"][-1]["mean"] >= trend["points"][-1]["min"]
    assert "no trend of 'nothing'; there are: humidities_percent/room" in demo.pgood("trends", "nothing", code=1)
    answer = json.loads(demo.pgood("call", "trends/get", '{"span": "year"}', code=1))
    assert answer["verdict"] == "bad-arguments"
