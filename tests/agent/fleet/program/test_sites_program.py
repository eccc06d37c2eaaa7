# SPDX-License-Identifier: Apache-2.0
"""A parent and two sites as processes on a real mosquitto; the parent is killed, and each site is safe."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.node_side import NodeSide
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns
from agent.mqtt.config import MqttConfig
from agent.mqtt.url import parse_url
from tests.agent.fleet.program.processes import Coordinators, Machine
from tests.agent.mqtt.brokers import Mosquitto, eventually

if TYPE_CHECKING:
    from pathlib import Path

LEASE_S = 75
TOGETHER_W, LIMIT_W, MINIMUM_W, BASES_W = 1200.0, 800.0, 250.0, 200.0
PARENT = """\
domain = "all"
lease_s = 75

[mqtt]
url = "{url}"

[groups.all]
kind = "site"
limit_w = 1200
nodes = ["east", "west"]

[nodes.east]
priority = "production"
base_w = 250
peak_w = 800
falls_back = true

[nodes.west]
priority = "production"
base_w = 250
peak_w = 800
falls_back = true

[deferrable]
load_w = 40
costs = {{ east = 30, west = 90 }}
"""
SITE = """\
domain = "{name}"

[mqtt]
url = "{url}"

[parent]
domain = "all"
site = "{name}"
minimum_w = 250
lease_s = 75

[groups.hall]
kind = "site"
limit_w = 800
nodes = ["n0", "n1"]

[nodes.n0]
priority = "production"
base_w = 100
peak_w = 400

[nodes.n1]
priority = "research"
base_w = 100
peak_w = 400
"""


def test_sites_keep_their_last_budget_and_then_their_minimum_when_the_parent_is_killed(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path)
    mosquitto.start()
    running = Coordinators(tmp_path, {})
    files = {"parent": PARENT, "east": SITE, "west": SITE}
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text.format(url=mosquitto.url, name=name), encoding="utf-8")
        running.start(name, tmp_path / f"{name}.toml")
    try:
        asyncio.run(play(mosquitto, running))
    finally:
        for process in running.running.values():
            process.kill()
            process.wait()
        mosquitto.kill()


async def play(mosquitto: Mosquitto, running: Coordinators) -> None:
    bus = MqttBus(MqttConfig(url=parse_url(mosquitto.url), base="unused", client_id="nodes"))
    bus.start()
    await eventually(lambda: bus.connected)
    sites = {
        site: [
            NodeSide(bus, site, NodeLease(f"n{i}", 100.0, 400.0, i + 1, boot_clock_ns()), Machine(), boot_clock_ns)
            for i in range(2)
        ]
        for site in ("east", "west")
    }
    sides = [side for site in sites.values() for side in site]
    tasks = [asyncio.create_task(live(side, sites)) for side in sides]
    tasks += [asyncio.create_task(side.listen()) for side in sides]
    try:
        await asyncio.wait_for(goes_over(sites, running), 240)
    finally:
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await bus.close()
    assert not ended


def kept_w(sides: list[NodeSide]) -> float:
    return sum(side.lease.cap_w(boot_clock_ns()) for side in sides)


async def live(side: NodeSide, sites: dict[str, list[NodeSide]]) -> None:
    """Tell each second; at no moment is there more than any limit."""
    while True:
        await side.tell()
        assert all(kept_w(sides) <= LIMIT_W for sides in sites.values())
        assert sum(kept_w(sides) for sides in sites.values()) <= TOGETHER_W
        await asyncio.sleep(1.0)


async def goes_over(sites: dict[str, list[NodeSide]], running: Coordinators) -> None:
    def busy() -> bool:
        return sum(kept_w(sides) for sides in sites.values()) > 0.9 * TOGETHER_W

    while not busy():
        await asyncio.sleep(0.2)
    assert all(kept_w(sides) > MINIMUM_W for sides in sites.values())
    status = await running.status("east")
    assert isinstance(status["parent"], dict)
    assert status["parent"]["limit_w"] > MINIMUM_W
    above = await running.status("parent")
    assert isinstance(above["deferrable"], dict)
    assert above["deferrable"]["load_w"] == 40
    before_w = {site: kept_w(sides) for site, sides in sites.items()}
    running.running["parent"].kill()
    killed_s = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() < killed_s + 15:
        for site, sides in sites.items():
            assert kept_w(sides) >= before_w[site] - 50, "the last budget stands"
        await asyncio.sleep(0.5)
    ends_s = killed_s + LEASE_S + 1

    def safe() -> bool:
        return all(kept_w(sides) <= MINIMUM_W for sides in sites.values())

    while not safe() and asyncio.get_running_loop().time() < ends_s:
        await asyncio.sleep(0.5)
    assert safe(), "whoever looks after the end of the lease"
    assert all(kept_w(sides) >= BASES_W for sides in sites.values())
    running.start("parent", running.folder / "parent.toml")
    while not busy():
        await asyncio.sleep(0.2)
    for name in running.running:
        assert "Traceback" not in (running.folder / f"{name}.log").read_text(encoding="utf-8")
