# SPDX-License-Identifier: Apache-2.0
"""Adapter `wol`: packets caught on the loopback, a machine that is a listening port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, Sense, Surroundings
from agent.hardware.adapters.wol import KIND, WolOptions
from agent.profile.schema import Profile
from tests.agent.hardware.adapters.worlds import bad, play, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.hardware.adapters.interface import PowerAdapter

AROUND = Surroundings("adapters.nas", Profile(schema=1, name="test"))
MAC = "02:1a:2b:3c:4d:5e"
RAW = bytes.fromhex("021a2b3c4d5e")
OFF = Precondition(Level.OFF, own=False)


class NetworkCard:
    """A machine on the loopback: it wakes by a packet, shuts down by a file, and listens while it is on."""

    def __init__(self, folder: Path) -> None:
        self.packets: list[bytes] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.setblocking(False)
        self.port = self._udp.getsockname()[1]
        self._off = folder / "off"
        self._server: asyncio.Server | None = None
        self._wakes = self._shut_downs = 0
        # A port that nobody listens on refuses, and a refusal is a machine that is on: a full backlog is silent.
        self._tcp = socket.socket()
        self._tcp.bind(("127.0.0.1", 0))
        self.tcp_port = self._tcp.getsockname()[1]
        self.on = False
        self.answers = lambda: self.on

    def options(self, **more: object) -> WolOptions:
        keys = {"mac": MAC, "broadcast": "127.0.0.1", "port": self.port, "gap_ms": 1, **more}
        return WolOptions(**keys)

    @contextlib.contextmanager
    def listening(self) -> Iterator[NetworkCard]:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._udp, self._heard)
        try:
            yield self
        finally:
            loop.remove_reader(self._udp)
            self._udp.close()
            self._tcp.close()

    def _heard(self) -> None:
        packet = self._udp.recv(2048)
        self.packets.append(packet)
        if packet[:102] == b"\xff" * 6 + RAW * 16:
            self.on = True


def made(options: WolOptions) -> PowerAdapter:
    return KIND.make(options, AROUND)


def test_three_packets_of_102_bytes(tmp_path: Path) -> None:
    async def story() -> None:
        with NetworkCard(tmp_path).listening() as card:
            await made(card.options()).act(Ability.ON, OFF)
            await until(lambda: len(card.packets) == 3)
            assert set(card.packets) == {b"\xff" * 6 + RAW * 16}
            assert len(card.packets[0]) == 102

    play(story)


def test_secure_on_comes_from_a_private_file(tmp_path: Path) -> None:
    async def story() -> None:
        file = tmp_path / "secure-on"
        file.write_text("00-11-22-33-44-55\n")
        file.chmod(0o644)
        with NetworkCard(tmp_path).listening() as card:
            adapter = made(card.options(secure_on_file=str(file), bursts=1))
            with pytest.raises(AdapterError, match=r"secure_on_file: .* others: chmod 600"):
                await adapter.act(Ability.ON, OFF)
            file.chmod(0o600)
            await adapter.act(Ability.ON, OFF)
            await until(lambda: card.packets)
            assert card.packets == [b"\xff" * 6 + RAW * 16 + bytes.fromhex("001122334455")]
            file.write_text("hunter2\n")
            with pytest.raises(AdapterError) as caught:
                await adapter.act(Ability.ON, OFF)
            assert "hunter2" not in str(caught.value)

    play(story)


def test_shutdown_is_a_command_whose_failure_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        with NetworkCard(tmp_path).listening() as card:
            adapter = made(card.options(shutdown=("/bin/sh", "-c", "echo no route >&2; exit 255")))
            with pytest.raises(AdapterError, match=r"^adapters\.nas: shutdown: exit code 255: no route$"):
                await adapter.act(Ability.SOFT_OFF, Precondition(Level.ON, own=False))

    play(story)


async def senses(options: WolOptions, count: int) -> list[Sense]:
    heard: list[Sense] = []
    adapter = made(options)
    await adapter.start(heard.append)
    await until(lambda: len(heard) >= count)
    await adapter.close()
    return heard


def test_a_port_that_answers_or_refuses_is_a_machine_that_is_on(tmp_path: Path) -> None:
    async def story() -> None:
        with NetworkCard(tmp_path).listening() as card:
            sense = {"sense_host": "127.0.0.1", "sense_port": card.tcp_port}
            assert await senses(card.options(**sense), 1) == [Sense(Level.ON)]  # bound and not listening: refused
            card._tcp.listen()
            assert await senses(card.options(**sense), 1) == [Sense(Level.ON)]

    play(story)


def test_silence_is_off_only_after_several_in_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async def silent(*args: object) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(asyncio, "open_connection", silent)
        with NetworkCard(tmp_path).listening() as card:
            options = card.options(sense_host="192.0.2.1", poll_s=0.1, connect_s=0.05)
            first, then = await senses(options, 2)
            assert (first.level, then.level) == (Level.UNKNOWN, Level.OFF)
            assert first.reason == "adapters.nas: 192.0.2.1 has not answered yet"

    play(story)


def test_a_network_that_is_down_says_nothing_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async def no_network(*args: object) -> None:
            raise OSError(101, "Network is unreachable")

        monkeypatch.setattr(asyncio, "open_connection", no_network)
        with NetworkCard(tmp_path).listening() as card:
            (sense,) = await senses(card.options(sense_host="192.0.2.1", poll_s=0.1), 1)
            assert sense.level is Level.UNKNOWN
            assert "cannot be reached from here: Network is unreachable" in sense.reason

    play(story)


class NasWorld:
    """The card with a sense that a test can silence."""

    def __init__(self, card: NetworkCard, folder: Path) -> None:
        self.card = card
        self.folder = folder
        self.reachable = True
        (folder / "shut-down").write_text("")

    async def connect(self, *args: object) -> tuple[object, socket.socket]:
        if not self.reachable:
            raise OSError(101, "Network is unreachable")
        self._obey()
        if not self.card.on:
            raise TimeoutError
        return None, socket.socket()

    def _obey(self) -> None:
        if (self.folder / "now").exists():
            (self.folder / "now").unlink()
            self.card.on = False

    async def become(self, level: Level) -> None:
        self.card.on = level is Level.ON

    async def level(self) -> Level:
        self._obey()
        return Level.ON if self.card.on else Level.OFF

    async def commands(self) -> int:
        return len(self.card.packets) + len((self.folder / "shut-down").read_text().split())

    async def cut(self) -> bool:
        return False

    async def mend(self) -> None:
        """Packets leave also without anybody there."""


def test_conforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        with NetworkCard(tmp_path).listening() as card:
            world = NasWorld(card, tmp_path)
            monkeypatch.setattr(asyncio, "open_connection", world.connect)
            script = f"echo x >> {tmp_path}/shut-down; touch {tmp_path}/now"
            options = card.options(
                bursts=1, sense_host="192.0.2.1", poll_s=0.1, off_after=1, shutdown=("/bin/sh", "-c", script)
            )
            assert not bad(await check_adapter("adapters.nas", lambda: made(options), world))

    play(story)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (WolOptions(mac="01:00:5e:00:00:01"), "mac"),
        (WolOptions(mac=MAC, broadcast="300.1.1.1"), "broadcast"),
        (WolOptions(mac=MAC), None),
    ],
)
def test_faults(options: WolOptions, fault: str | None) -> None:
    assert [key for key, _ in KIND.faults(options, AROUND.profile)] == ([fault] if fault else [])
