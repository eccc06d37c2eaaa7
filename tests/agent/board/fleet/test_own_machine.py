# SPDX-License-Identifier: Apache-2.0
"""A machine that pgood runs on: it goes to sleep only with a witness, by the adapter of its own operating system."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.board.fleet.machine import FleetMachine, Surroundings
from agent.board.fleet.memory import FleetMemory
from agent.events.event import EventKind
from agent.fleet.node.burst import BurstFailed
from agent.fleet.node.core import NodeCore, Seen, Settings
from agent.fleet.node.documents import Direction, encode
from agent.fleet.node.target import OWN_NODE, Identity
from agent.fleet.node.topics import Leaf, topic
from agent.fleet.node.wake_ability import WakeAbility
from tests.agent.board.fleet.rig import MAC, NODE, SEGMENT, FleetRig
from tests.agent.fleet.node.reports import report_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pytest

    from agent.board.fleet.means import Asked
    from agent.fleet.node.desired import Remembered
    from agent.power.request import Action

S = 1_000_000_000
JUST_STARTED_NS = 160 * S
UP, DOWN = Direction.UP, Direction.DOWN
OWN = """
schema = 1
name = "own"
[board]
simulated = true
[adapters.os]
kind = "command"
soft_off = ["touch", "{went}"]
sense = ["true"]
[[hosts]]
name = "os"
controls = {{soft_off = "os", sense = "os"}}
"""


class Awake:
    """The means of a neighbour that stays."""

    def __init__(self, rig: FleetRig) -> None:
        self.rig = rig

    async def look(self) -> None: ...

    def seen(self, now_ns: int) -> Seen:
        return Seen(now_ns, WakeAbility(("02:00:00:00:00:02",), ""), ())

    def switch(self, action: Action, node: str) -> Asked:
        raise AssertionError(action)

    def close(self) -> None: ...


class InMemory(FleetMemory):
    def known(self, node: str) -> Remembered:
        raise AssertionError(node)

    async def keep(self, node: str, remembered: Remembered) -> None: ...


def own_rig(folder: Path, **fleet: Any) -> FleetRig:
    table = {"segment": SEGMENT, "node": NODE, "target": True, "users_command": ("true",), **fleet}
    return FleetRig(folder, table, profile=OWN.format(went=folder / "went"))


def neighbour(rig: FleetRig) -> FleetMachine:
    from agent.fleet.node.desired import Remembered

    core = NodeCore(Identity("ant", SEGMENT, "k"), Settings(OWN_NODE), Remembered(), rig.now_ns())
    around = Surroundings(InMemory(rig.board.settings), lambda *event: None, rig._burst, rig.now_ns)
    return FleetMachine("ant", SEGMENT, core, rig.broker.connect("ant"), Awake(rig), around)


def test_it_shuts_itself_down_when_another_one_stays(tmp_path: Path) -> None:
    rig, went = own_rig(tmp_path), tmp_path / "went"

    async def play() -> None:
        async with rig.running():
            await rig.until(lambda: rig.report is not None and rig.report.able and rig.report.macs == (MAC,))
            await rig.want(DOWN, 1)
            await rig.until(rig.says("the last node awake in its segment"))
            ant = neighbour(rig)
            ant.start()
            await rig.until(rig.says("it has just started"))
            assert not went.exists()
            rig.skipped_ns += JUST_STARTED_NS
            await rig.until(went.exists)
            assert rig.asked() == ["soft-off"]
            assert rig.report is not None
            assert (rig.report.state, rig.report.last) == (DOWN, True)
            await ant.close()

    asyncio.run(play())


def test_it_stays_up_where_nothing_could_wake_it_or_somebody_uses_it(tmp_path: Path) -> None:
    for more, reason in (
        ({"wake_card": "eth1"}, "there is no network card 'eth1'"),
        ({"users_command": ("echo", "bob")}, "in use by bob"),
        ({"users_command": ("false",)}, "it is not known whether the machine is in use"),
        ({"pinned": "it is the broker"}, "pinned: it is the broker"),
    ):
        rig = own_rig(tmp_path, **more)

        async def play(rig: FleetRig = rig, reason: str = reason) -> None:
            async with rig.running():
                await rig.want(DOWN, 1)
                await rig.until(rig.says(reason))
                assert rig.asked() == []

        asyncio.run(play())
    assert not (tmp_path / "went").exists()


def test_it_wakes_a_neighbour_that_should_be_up(tmp_path: Path) -> None:
    rig = own_rig(tmp_path)

    async def play() -> None:
        async with rig.running():
            await rig.until(lambda: rig.report is not None)
            ant = neighbour(rig)
            ant.start()
            assert rig.board.fleet is not None
            peers = rig.board.fleet.machines[NODE].core.peers
            await rig.until(lambda: peers.senders(rig.now_ns()) == ("ant",))
            await ant.close()  # it falls silent
            await rig.want(UP, 1, node="ant")
            await asyncio.sleep(1.5)
            assert rig.bursts == []
            rig.skipped_ns += JUST_STARTED_NS + 60 * S
            await rig.until(lambda: bool(rig.bursts))
            assert rig.bursts[0] == (("02:00:00:00:00:02",), 10)

    asyncio.run(play())


async def say_that_ant_sleeps(rig: FleetRig) -> None:
    report = report_of("ant", DOWN, target=DOWN, macs=("02:00:00:00:00:02",))
    await rig.owner.publish(topic(SEGMENT, "ant", Leaf.REPORT), encode(report), retain=True)


def test_packets_that_the_network_refuses_are_an_event_and_are_not_announced(tmp_path: Path) -> None:
    rig = own_rig(tmp_path)
    tried: list[str] = []

    async def refuse(macs: Sequence[str], count: int, gap_ns: int, begun: Callable[[], object]) -> None:
        tried.append("burst")
        raise BurstFailed("wake packet to 255.255.255.255:9: Network is unreachable")

    async def play() -> None:
        rig._burst = refuse  # type: ignore[method-assign]
        async with rig.running():
            events, announced = rig.board.bus.subscribe("test"), []

            async def follow() -> None:
                async for message in rig.owner.subscribe(topic(SEGMENT, "ant", Leaf.WAKE)):
                    announced.append(message)

            rig.tasks.append(asyncio.create_task(follow()))
            await say_that_ant_sleeps(rig)
            await rig.want(UP, 2, node="ant")
            rig.skipped_ns += 31 * S
            async with asyncio.timeout(10):
                while (event := await events.get()).kind is not EventKind.FLEET_WAKE_FAILED:
                    pass
            assert event.args == (
                NODE,
                "ant is not woken from here: wake packet to 255.255.255.255:9: Network is unreachable",
            )
            await asyncio.sleep(0.5)
            assert tried == ["burst"]
            assert announced == []

    asyncio.run(play())


def test_packets_carry_the_password_of_the_segment_and_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "secure-on"
    file.write_text("0a:0b:0c:0d:0e:f1\n")
    file.chmod(0o600)
    sent: list[bytes] = []

    async def send(macs: object, count: int, gap_ns: int, begun: object, *, to: str, secure_on: bytes) -> None:
        assert to == "192.0.2.255"
        sent.append(secure_on)

    monkeypatch.setattr("agent.board.fleet.service.send_burst", send)
    rig = own_rig(tmp_path, secure_on_file=str(file), broadcast="192.0.2.255")
    outside = rig._outside
    monkeypatch.setattr(rig, "_outside", lambda: replace(outside(), burst=None))
    caplog.set_level("DEBUG")

    async def play() -> None:
        async with rig.running():
            await say_that_ant_sleeps(rig)
            await rig.want(UP, 2, node="ant")
            rig.skipped_ns += 31 * S
            await rig.until(lambda: bool(sent))

    asyncio.run(play())
    assert sent == [bytes.fromhex("0a0b0c0d0ef1")]
    assert "0a:0b" not in caplog.text
    assert r"\n\x0b" not in caplog.text


def test_a_shutdown_that_fails_is_said_at_once_and_the_machine_is_up(tmp_path: Path) -> None:
    rig = own_rig(tmp_path)
    rig.profile = rig.profile.replace('["touch", ', '["false", ')

    async def play() -> None:
        async with rig.running():
            ant = neighbour(rig)
            ant.start()
            events = rig.board.bus.subscribe("test")
            await rig.until(lambda: rig.report is not None and rig.report.able)
            rig.skipped_ns += JUST_STARTED_NS
            await rig.want(DOWN, 1)
            await rig.until(lambda: any(report.last for report in rig.reports))
            await rig.until(rig.says("it was told to go down, and that ended: "))
            assert rig.report is not None
            assert (rig.report.state, rig.report.last) == (UP, False)
            async with asyncio.timeout(10):
                while (event := await events.get()).kind is not EventKind.FLEET_NOT_ASLEEP:
                    pass
            assert "that ended: failed" in event.args[1]
            await ant.close()

    asyncio.run(play())
