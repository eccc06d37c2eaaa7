# SPDX-License-Identifier: Apache-2.0
"""Several hosts, several addresses, IPv6, allowed prefixes, Kg, suites, and what survives kill -9."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from agent.profile.load import find_profile
from tests.clients.demo import PGOOD, start_demo
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

SECOND_HOST = """
[lines.power-button-1]
direction = "output"
class = "momentary"
max_press_ms = 6000

[lines.power-good-1]
direction = "input"
source = "pwr_ok"

[[hosts]]
name = "1"
power_good = "power-good-1"
power_button = "power-button-1"
timing.force_off_ms = 6000
timing.power_on_timeout_ms = 2000
"""


def _places(folder: Path) -> tuple[str, ...]:
    return ("--config", str(folder / "site.toml"), "--state-dir", str(folder / "state"))


class Agent:
    """`pgood run` with a site file, and one administrator."""

    def __init__(self, folder: Path, profile: str, site: str) -> None:
        self.folder = folder
        (folder / "site.toml").write_text(site)
        subprocess.run(
            [PGOOD, "user", "add", "admin", "--stdin", "--state-dir", str(folder / "state")],
            input=b"the-password\n",
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.process = subprocess.Popen(
            [PGOOD, "run", "--profile", profile, *_places(folder)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.said = ""
        while "pgood: board" not in self.said and (line := self.process.stderr.readline()):
            self.said += line

    @property
    def ports(self) -> list[int]:
        """Where IPMI listens, in the order of the site file."""
        return [int(port) for port in re.findall(r":(\d+)(?=,|\n)", self.said.partition("IPMI on ")[2])]

    def ipmitool(self, host: str, port: int, *words: str, patient: bool = True) -> subprocess.CompletedProcess[str]:
        """Impatient where no answer is what is expected."""
        where = ["ipmitool", "-I", "lanplus", "-H", host, "-p", str(port), "-U", "admin", "-P", "the-password"]
        where += ["-N", "5", "-R", "6"] if patient else ["-N", "1", "-R", "1"]
        return subprocess.run([*where, *words], capture_output=True, text=True, errors="replace", timeout=300)

    def stop(self) -> None:
        self.process.terminate()
        _, rest = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, rest
        assert "Traceback" not in rest


@pytest.fixture
def two_hosts(tmp_path: Path) -> Iterator[tuple[Agent, list[int]]]:
    profile = tmp_path / "two.toml"
    text = find_profile("sim").read_text()
    head, tail = text.split("[buses.main]")
    profile.write_text(head + SECOND_HOST + "\n[buses.main]" + tail)
    key = tmp_path / "kg"
    key.write_text("0xa0b1c2d3e4f566778899")
    key.chmod(0o600)
    site = (
        f'[ipmi]\nlisten = ["127.0.0.1:0", "[::1]:0"]\ncipher_suites = [17]\nkg_file = "{key}"\n'
        '[ipmi.hosts.1]\nlisten = ["127.0.0.2:0"]\n'
        '[network]\nallow = ["127.0.0.1/32", "::1/128"]\n'
    )
    agent = Agent(tmp_path, str(profile), site)
    yield agent, agent.ports
    agent.stop()


def test_each_host_is_a_controller_of_its_own(two_hosts: tuple[Agent, list[int]]) -> None:
    """With one key for all, one suite, IPv4 and IPv6."""
    agent, ports = two_hosts
    kg = ("-y", "a0b1c2d3e4f566778899")
    first, second = ("127.0.0.1", ports[0]), ("127.0.0.2", ports[2])
    for where in (first, ("::1", ports[1]), second):
        done = agent.ipmitool(*where, *kg, "mc", "info")
        assert done.returncode == 0, (where, done.stderr, agent.said)
    told = [agent.ipmitool(*where, *kg, "mc", "guid") for where in (first, second)]
    guids = [line for done in told for line in done.stdout.splitlines() if line.startswith("System GUID")]
    assert len(set(guids)) == 2, told
    assert "no matching cipher suite" in agent.ipmitool(*first, *kg, "-C", "3", "mc", "info").stderr
    assert "Device ID" not in agent.ipmitool(*first, "mc", "info", patient=False).stdout, "without the key"
    agent.ipmitool(*first, *kg, "chassis", "power", "on")
    deadline = time.monotonic() + PATIENCE_S
    while "is on" not in agent.ipmitool(*first, *kg, "chassis", "power", "status").stdout:
        assert time.monotonic() < deadline
    assert "is off" in agent.ipmitool(*second, *kg, "chassis", "power", "status").stdout
    assert "CPU Temp" in agent.ipmitool(*second, *kg, "sdr").stdout, "the board's sensors are everybody's"
    assert "Node busy" not in agent.ipmitool(*second, *kg, "chassis", "bootdev", "pxe").stderr
    assert "Force PXE" not in agent.ipmitool(*first, *kg, "chassis", "bootparam", "get", "5").stdout


def test_only_allowed_addresses_are_answered(two_hosts: tuple[Agent, list[int]]) -> None:
    _, ports = two_hosts
    probe = bytes.fromhex("0600ff07 00 00000000 00000000 09 20 18 c8 81 00 38 8e 04 b5")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as friend,
    ):
        for sender, source in ((stranger, "127.0.0.3"), (friend, "127.0.0.1")):
            sender.bind((source, 0))
            sender.settimeout(PATIENCE_S)
            sender.sendto(probe, ("127.0.0.1", ports[0]))
        assert friend.recv(100)[:4] == b"\x06\x00\xff\x07"
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):  # it asked first: an answer would be there by now
            stranger.recv(100)


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ('[network]\nallow = ["nowhere"]\n', "network.allow"),
        ("[ipmi.hosts.7]\nlisten = []\n", "ipmi.hosts.7"),
        ('[ipmi]\nkg_file = "/nonexistent/kg"\n', "ipmi.kg_file"),
        ("[ipmi]\ncipher_suites = [0]\n", "ipmi.cipher_suites"),
        ("[ipmi]\ncipher_suites = []\n", "suites"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, site: str, said: str) -> None:
    (tmp_path / "site.toml").write_text(site)
    done = subprocess.run(
        [PGOOD, "run", "--profile", "sim", *_places(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "kg"
    key.write_text("secret")
    key.chmod(0o644)
    (tmp_path / "site.toml").write_text(f'[ipmi]\nkg_file = "{key}"\n')
    done = subprocess.run(
        [PGOOD, "run", "--profile", "sim", *_places(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert f"chmod 600 {key}" in done.stderr


def test_nothing_that_was_answered_is_lost_by_kill_9(tmp_path: Path) -> None:
    """Log, users, limits, texts, boot flags, inventory: each is durable before its answer."""
    demo: Demo = start_demo(tmp_path / "state")
    demo.ipmitool("event", "2")
    demo.ipmitool("user", "set", "name", "8", "ivan")
    demo.ipmitool("sensor", "thresh", "CPU Temp", "ucr", "91")
    demo.ipmitool("dcmi", "set_asset_tag", "rack-3")
    demo.ipmitool("chassis", "bootdev", "pxe", "options=persistent")
    demo.ipmitool("fru", "edit", "0", "field", "p", "5", "tag-seven", code=None)
    log = demo.ipmitool("sel", "list")
    os.kill(demo.process.pid, 9)
    demo.process.wait()
    broker = json.loads((demo.state_dir / "demo.json").read_text())["mqtt"]
    (demo.state_dir / "demo.json").unlink()
    again = start_demo(tmp_path / "state")
    assert broker is None or again.ready["mqtt"] is not None
    assert again.ready["ipmi"]["password"] == demo.ready["ipmi"]["password"]
    assert again.ipmitool("sel", "list").startswith(log)
    assert "ivan" in again.ipmitool("user", "list")
    assert "91.000" in again.ipmitool("sensor", "get", "CPU Temp")
    assert "rack-3" in again.ipmitool("dcmi", "asset_tag")
    assert "Force PXE" in again.ipmitool("chassis", "bootparam", "get", "5")
    assert "tag-seven" in again.ipmitool("fru", "print", "0")
    code, output = again.stop()
    assert code == 0, output


@pytest.mark.parametrize("when_full", ["stop", "overwrite"])
def test_a_full_log_stops_or_drops_its_oldest_record(tmp_path: Path, when_full: str) -> None:
    """1,024 records, no two alike: the same record again within seconds is a client's retry."""
    agent = Agent(tmp_path, "sim", f'[ipmi]\nlisten = ["127.0.0.1:0"]\n[sel]\nwhen_full = "{when_full}"\n')
    where = ("127.0.0.1", agent.ports[0])
    records = tmp_path / "records"
    lines = [f"0x04 0x02 0x60 0x01 0x52 {number % 256:#04x} {number // 256:#04x} # voltage\n" for number in range(1025)]
    records.write_text("".join(lines))

    def log() -> list[str]:
        return agent.ipmitool(*where, "sel", "list").stdout.splitlines()

    try:
        agent.ipmitool(*where, "sel", "add", str(records))
        assert len(log()) == 1024
        first = int(log()[0].split("|")[0], 16)
        assert (first == 1) == (when_full == "stop"), first
        info = agent.ipmitool(*where, "sel", "info").stdout
        assert re.search(r"Overflow +: true", info), info
        assert re.search(r"Free Space +: 0 bytes", info), info
        last = log()[-1]
        agent.ipmitool(*where, "event", "2")
        assert (log()[-1] == last) == (when_full == "stop")
        agent.ipmitool(*where, "sel", "clear")
        assert re.search(r"Overflow +: false", agent.ipmitool(*where, "sel", "info").stdout)
    finally:
        agent.stop()


@pytest.mark.parametrize("tool", ["rmcpping", "ipmiping"])
def test_pings_of_a_running_agent(tmp_path: Path, tool: str) -> None:
    """They know port 623 only."""
    agent = Agent(tmp_path, "sim", '[ipmi]\nlisten = ["127.0.0.23:623"]\n')
    try:
        if "cannot listen" in agent.said:
            pytest.skip("no right to bind port 623 here; CI runs as root")
        program = shutil.which(tool) or shutil.which(tool.replace("ping", "-ping")) or tool
        done = subprocess.run(
            [program, "-c", "2", "-t", "30", "127.0.0.23"], capture_output=True, text=True, timeout=90
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "0.0% packet loss" in done.stdout
    finally:
        agent.process.terminate()
        agent.process.communicate(timeout=PATIENCE_S)
