# SPDX-License-Identifier: Apache-2.0
"""`pgood coordinator` as two processes on a real mosquitto, with nodes; and what it says of bad files."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from agent.cli.places import SOCKET
from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.node_side import NodeSide
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns
from agent.fleet.program.coordinator_file import load_coordinator
from agent.mqtt.config import MqttConfig
from agent.mqtt.url import parse_url
from agent.profile.problem import ConfigError
from tests.agent.fleet.program.processes import FILE, Coordinators, Machine
from tests.agent.mqtt.brokers import Mosquitto, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT_W = 900


@pytest.fixture
def coordinators(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Coordinators]:
    (tmp_path / "hall.toml").write_text(FILE.format(url=mosquitto.url), encoding="utf-8")
    coordinators = Coordinators(tmp_path, {})
    for name in ("one", "two"):
        coordinators.start(name)
    yield coordinators
    for process in (*coordinators.running.values(), *coordinators.frozen.values()):
        process.kill()
        process.wait()


def test_nodes_get_what_there_is_over_a_frozen_leader_and_a_broker_that_restarts(
    mosquitto: Mosquitto, coordinators: Coordinators
) -> None:
    async def run() -> None:
        bus = MqttBus(MqttConfig(url=parse_url(mosquitto.url), base="unused", client_id="nodes"))
        bus.start()
        await eventually(lambda: bus.connected)
        sides = [
            NodeSide(bus, "hall", NodeLease(f"n{i}", 100.0, 400.0, i + 1, boot_clock_ns()), Machine(), boot_clock_ns)
            for i in range(3)
        ]
        kept = [asyncio.create_task(live(side, sides)) for side in sides]
        kept += [asyncio.create_task(side.listen()) for side in sides]
        try:
            await asyncio.wait_for(goes_over(sides, coordinators, mosquitto), 240)
        finally:
            for task in kept:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await bus.close()

    asyncio.run(run())


async def live(side: NodeSide, sides: list[NodeSide]) -> None:
    """Tell each second; at no moment is there more than the limit."""
    while True:
        await side.tell()
        assert sum(one.lease.cap_w(boot_clock_ns()) for one in sides) <= LIMIT_W
        await asyncio.sleep(1.0)


async def goes_over(sides: list[NodeSide], coordinators: Coordinators, mosquitto: Mosquitto) -> None:
    first = await coordinators.leader()
    critical = sides[0].lease
    while critical.cap_w(boot_clock_ns()) < 400:
        await asyncio.sleep(0.2)
    term = (await coordinators.status(first))["term"]
    why = await asyncio.to_thread(coordinators.ask, first, "explain", "n1")
    assert why.returncode == 0, why.stderr
    assert why.stdout.startswith("n1 may draw ")
    assert "Nearest limit: hall" in why.stdout
    other = next(name for name in coordinators.running if name != first)
    refused = await asyncio.to_thread(coordinators.ask, other, "explain", "n1")
    assert refused.returncode == 1
    assert "does not lead" in refused.stderr
    coordinators.freeze(first)
    assert await coordinators.leader() == other
    coordinators.thaw(first)
    assert not (await coordinators.status(first))["leads"]
    status = await coordinators.status(other)
    assert isinstance(term, int)
    assert isinstance(status["term"], int)
    assert status["term"] > term
    while critical._revision.term != status["term"] or critical.cap_w(boot_clock_ns()) < 400:
        await asyncio.sleep(0.2)
    mosquitto.kill()
    mosquitto.start()
    number = critical._revision.number
    while critical._revision.number == number:
        await asyncio.sleep(0.2)
    assert critical._revision.term == status["term"], "what was held is held over the broker's restart"
    term = status["term"]
    coordinators.running[other].kill()
    coordinators.running.pop(other).wait()
    coordinators.freeze(first)
    coordinators.start(other)  # at once, under the same name: it is another one, and its numbers begin anew
    assert await coordinators.leader() == other
    status = await coordinators.status(other)
    assert isinstance(status["term"], int)
    assert status["term"] > term
    while critical._revision.term != status["term"] or critical.cap_w(boot_clock_ns()) < 400:
        await asyncio.sleep(0.2)
    coordinators.thaw(first)
    coordinators.running[other].terminate()
    assert await asyncio.to_thread(coordinators.running[other].wait, 30) == 0
    log = (coordinators.folder / f"{other}.log").read_text(encoding="utf-8")
    assert f"leads now, with term {status['term']}" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('domain = "hall"', 'domain = "lease"', "1: domain: lease is a topic of the bus itself"),
        ('domain = "hall"', "", "the key 'domain' is missing"),
        ('url = "{url}"', "", "mqtt.url: is empty: name the broker"),
        (
            'url = "{url}"',
            'url = "mqtt://h"\nfallback_urls = ["mqtt://i"]',
            "mqtt.fallback_urls: all of a fleet use one",
        ),
        ('url = "{url}"', 'url = "mqtt://h"\nbase = "x"', "mqtt.base: the topics of a fleet are below pgood/fleet"),
        ('url = "{url}"', 'url = "http://h"', "http:// is not served"),
        ("limit_w = 900", "limit_w = 200", "groups.hall.limit_w: the base_w of its nodes are 300 W together"),
        ('domain = "hall"', 'domain = "hall"\ncycle_s = 61', "2: cycle_s: expected"),
        ('domain = "hall"', 'domain = "hall"\ncycle_s = 9', "lease_s: must be 35 or more with a cycle of 9 s"),
        ("limit_w = 900", "limit_w = nan", "groups.hall.limit_w"),
        ('"n1", ', "", "nodes.n1: is in no group"),
        (
            'priority = "critical"',
            'priority = "vip"',
            "invalid enum value 'vip' (here: 'vip'); may be background, critical, development, production, research",
        ),
        ('kind = "site"', 'kind = "row"', "may be board, rack, room, site"),
        ('nodes = ["n0"', 'groups = ["hall"]\nnodes = ["n0"', "is inside itself"),
        ("[nodes.n2]", "[nodes.n2]\nwatts = 1", "nodes.n2.watts: unknown key"),
    ],
)
def test_a_bad_file_is_refused_with_place_and_cure(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = tmp_path / "hall.toml"
    assert old in FILE
    file.write_text(FILE.replace(old, new).replace("{url}", "mqtt://h"), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_coordinator(file, "c")
    assert told in str(refused.value)


def test_without_a_file_or_a_coordinator_the_command_says_what_to_do(tmp_path: Path) -> None:
    coordinators = Coordinators(tmp_path, {})
    (tmp_path / "killed").mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "killed" / SOCKET))  # stays behind
    answer = coordinators.ask("killed", "status")
    assert (answer.returncode, "no coordinator runs with" in answer.stderr) == (2, True), answer.stderr
    for words, told in (
        ((), "--config FILE"),
        (("explain", "n1"), "no coordinator runs with"),
        (("--config", "hall.toml", "--name", "a/#"), "--name 'a/#' is no name on a broker"),
    ):
        answer = coordinators.ask("nobody", *words)
        assert answer.returncode == 2
        assert told in answer.stderr
        assert "Traceback" not in answer.stderr
