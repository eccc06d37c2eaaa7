# SPDX-License-Identifier: Apache-2.0
"""What is wrong outside is told in one clear line with exit code 2; what is hostile is ignored and counted."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from agent.profile.load import find_profile
from tests.clients.demo import PGOOD
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

AT_ONCE = 50
"""Datagrams that wait in the socket's buffer while the agent does not run; what does not fit there is lost."""


def refused(*words: str) -> str:
    """The one line that pgood ends with."""
    done = subprocess.run([PGOOD, *words], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2, (words, done.returncode, done.stdout, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def demo_words(tmp_path: Path, *more: str) -> tuple[str, ...]:
    return ("demo", "--state-dir", str(tmp_path / "state"), "--ipmi", "127.0.0.1:0", "--mqtt-port", "0", *more)


def test_ipmi_port_taken(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        told = refused(*demo_words(tmp_path, "--ipmi", f"127.0.0.1:{port}"))
    assert f"127.0.0.1:{port}" in told
    assert "--ipmi" in told


def test_mqtt_port_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = refused(*demo_words(tmp_path, "--mqtt-port", str(port)))
    assert str(port) in told


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1", "mqtt://", "mqtt://host:99999", "mqtt://a:b@c"])
def test_wrong_broker_url(tmp_path: Path, url: str) -> None:
    assert "MQTT broker URL" in refused(*demo_words(tmp_path, "--broker", url))


@pytest.mark.parametrize("address", ["nonsense:port", "127.0.0.1:99999", ":", "[::1"])
def test_wrong_ipmi_address(tmp_path: Path, address: str) -> None:
    assert "is no address" in refused(*demo_words(tmp_path, "--ipmi", address))


def test_unknown_profile(tmp_path: Path) -> None:
    assert "shipped: chassis-4-node, crps-backplane, " in refused(*demo_words(tmp_path, "--profile", "nothing"))


def test_unknown_profile_key(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(find_profile("sim").read_text().replace("rise_ms", "raise_ms"))
    for told in (refused(*demo_words(tmp_path, "--profile", str(wrong))), refused("check", str(wrong))):
        assert "lines.power-good.raise_ms: unknown key; did you mean 'rise_ms'?" in told


def test_real_board_is_no_demo_and_has_no_sim(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text('schema = 1\nname = "real"\n')
    assert "simulated" in refused(*demo_words(tmp_path, "--profile", str(real)))


def test_absent_chip_and_missing_bus(tmp_path: Path) -> None:
    profile = tmp_path / "real.toml"
    profile.write_text(
        'schema = 1\nname = "real"\n[chips.front]\ndevice = "/dev/gpiochip999"\n'
        '[lines.good]\ndirection = "input"\nchip = "front"\noffset = 1\n'
    )
    told = refused("run", "--profile", str(profile), "--state-dir", str(tmp_path / "state"))
    assert "/dev/gpiochip999 is not there" in told
    profile.write_text('schema = 1\nname = "real"\n[buses.psu]\nnumber = 199\n')
    told = refused("run", "--profile", str(profile), "--state-dir", str(tmp_path / "state"))
    assert "/dev/i2c-199 is not there" in told


def test_unwritable_state_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for words in (demo_words(tmp_path)[3:], ("run", "--profile", "sim")):
        verb = words if words[0] == "run" else ("demo", *words)
        told = refused(*verb, "--state-dir", str(file / "state"))
        assert str(file / "state") in told
        assert "--state-dir" in told


def test_state_directory_in_use(demo: Demo) -> None:
    told = refused("run", "--profile", "sim", "--state-dir", str(demo.state_dir))
    assert "another pgood uses it" in told


def test_damaged_users_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    users = state / "users.json"
    users.write_text("{")
    users.chmod(0o600)
    assert "users.json" in refused("run", "--profile", "sim", "--state-dir", str(state))
    users.chmod(0o644)
    assert "chmod 600" in refused("run", "--profile", "sim", "--state-dir", str(state))


def test_damaged_database(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "state.db").write_bytes(os.urandom(8192))
    assert "state.db" in refused("run", "--profile", "sim", "--state-dir", str(state))


def test_verbs_without_an_agent(tmp_path: Path) -> None:
    for words in (("status",), ("events",), ("power", "on"), ("sim", "load", "1"), ("config", "show")):
        assert "no agent runs" in refused(*words, "--state-dir", str(tmp_path))


@pytest.mark.parametrize(
    "words",
    [
        ("supply", "3", "remove"),
        ("supply", "1", "explode"),
        ("host", "1", "hang"),
        ("sensor", "nothing", "20"),
        ("sensor", "inlet", "nan"),
        ("load", "-1"),
        ("load", "inf"),
        ("weather",),
    ],
)
def test_worlds_that_cannot_be(demo: Demo, words: tuple[str, ...]) -> None:
    assert demo.pgood("sim", *words, code=1).startswith("pgood: ")


def test_malformed_datagrams_are_counted_and_harmless(demo: Demo) -> None:
    ipmi = demo.ready["ipmi"]
    source = random.Random(20261121)
    before = datagrams(demo)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(1, 501):
            datagram = bytearray(source.randbytes(source.randrange(0, 200)))
            if source.random() < 0.7:
                datagram[:4] = b"\x06\x00\xff\x07"
            sender.sendto(datagram, (ipmi["host"], ipmi["port"]))
            if number % AT_ONCE == 0:
                deadline = time.monotonic() + PATIENCE_S
                while (taken := datagrams(demo) - before) < number:
                    assert time.monotonic() < deadline, (taken, number)
                    time.sleep(0.02)
    demo.ipmitool("mc", "info")
    assert demo.status()["ipmi"]["counters"]["malformed"] > 0


def datagrams(demo: Demo) -> int:
    taken: int = demo.status()["ipmi"]["counters"]["datagrams"]
    return taken


def test_garbage_on_the_local_socket(demo: Demo) -> None:
    for garbage in (b"\n", b"{}\n", b"[1]\n", b'{"method":"power","args":{"action":"explode"}}\n', b"\xff" * 70_000):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(demo.state_dir / "pgood.sock"))
            try:
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                answer = client.recv(65536)
            except ConnectionError:
                continue
            assert b'"error"' in answer
    demo.pgood("status")


def test_local_socket_and_secrets_are_private(demo: Demo) -> None:
    modes = {name: (demo.state_dir / name).stat().st_mode & 0o777 for name in ("pgood.sock", "users.json", "demo.json")}
    assert modes == {"pgood.sock": 0o660, "users.json": 0o600, "demo.json": 0o600}
    password = demo.ready["ipmi"]["password"]
    assert len(password) == 16
    assert password.isalnum()
    assert password not in demo.pgood("status", "--json")
    assert password not in demo.pgood("config", "show", "--origin")
