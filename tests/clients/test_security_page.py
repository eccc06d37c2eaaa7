# SPDX-License-Identifier: Apache-2.0
"""docs/security.md: its broker, with its access list, keeps boards, watchers and operators apart."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.agent.mqtt.brokers import HOST, PATIENCE_S, Mosquitto
from tests.clients.demo import PGOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.client

DOCS = Path(__file__).resolve().parents[2] / "docs"
BOARD = "rack1-3f7a"
NAMES = (BOARD, "rack2-0001", "grafana", "homeassistant")
PASSWORD = "a long one"
OVER_TLS = ("listener", "certfile", "keyfile")
"""Lines of the page that this test has its own for: TLS has its tests elsewhere."""


def blocks() -> dict[str, str]:
    """The page's files by name."""
    text = (DOCS / "security.md").read_text(encoding="utf-8")
    found = re.findall(r"^```\n# (/etc/\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return {Path(name).name: content for name, content in found}


class Net:
    """The broker of the page and a board on it."""

    def __init__(self, folder: Path) -> None:
        files = {name: folder / name for name in ("passwords", "pgood.acl")}
        files["pgood.acl"].write_text(blocks()["pgood.acl"])
        files["passwords"].write_text("")
        for name in NAMES:
            subprocess.run(["mosquitto_passwd", "-b", str(files["passwords"]), name, PASSWORD], check=True)
        for file in files.values():
            file.chmod(0o600)
        lines = [line for line in blocks()["pgood.conf"].splitlines() if not line.startswith(OVER_TLS)]
        here = [re.sub(r"/etc/mosquitto/(\S+)", lambda match: str(files[match[1]]), line) for line in lines]
        self.broker = Mosquitto(folder, here)
        self.broker.start(probe=False)
        password = folder / "mqtt-password"
        password.write_text(PASSWORD)
        password.chmod(0o600)
        site = folder / "pgood.toml"
        site.write_text(
            f'[board]\nid = "{BOARD}"\n[mqtt]\nurl = "mqtt://{BOARD}@{HOST}:{self.broker.port}"\n'
            f'password_file = "{password}"\n'
        )
        command = [PGOOD, "run", "--profile", "sim", "--config", str(site), "--ipmi", f"{HOST}:0"]
        self.log = folder / "log"
        with self.log.open("w") as output:
            self.agent = subprocess.Popen([*command, "--state-dir", str(folder / "state")], stderr=output)

    def close(self) -> None:
        self.agent.terminate()
        self.agent.wait(timeout=PATIENCE_S)
        self.broker.kill()

    def read(self, user: str, topic: str, within_s: float = PATIENCE_S, password: str = PASSWORD) -> str:
        """The first message, or nothing."""
        command = ["mosquitto_sub", "-h", HOST, "-p", str(self.broker.port), "-u", user, "-P", password]
        command += ["-t", topic, "-C", "1", "-W", str(round(within_s))]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S + 10).stdout.strip()

    def write(self, user: str, topic: str, payload: str) -> None:
        self.broker.publish(topic, payload, "-u", user, "-P", PASSWORD)

    def host(self) -> str:
        return self.read("grafana", f"pgood/{BOARD}/host/0/state").split('"state":"')[1].split('"')[0]

    def until(self, state: str) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while self.host() != state:
            assert time.monotonic() < until_s, f"never {state}: {self.log.read_text()}"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    folder = tmp_path_factory.mktemp("net")
    running = Net(folder)
    until_s = time.monotonic() + PATIENCE_S
    while running.read("grafana", f"pgood/{BOARD}/status", 2) != "online":
        assert time.monotonic() < until_s, running.log.read_text()
    yield running
    running.close()
    assert "refuses" not in running.log.read_text()


def test_the_board_may_all_that_it_needs(net: Net) -> None:
    assert net.read("grafana", f"pgood/{BOARD}/info")
    assert net.read("grafana", f"pgood/{BOARD}/telemetry")
    assert net.read("homeassistant", f"homeassistant/device/pgood-{BOARD}/host_0/config")
    assert "not permitted" not in net.log.read_text()


def test_nobody_without_a_password(net: Net) -> None:
    assert net.read("grafana", "pgood/#", 2, password="wrong") == ""


def test_home_assistant_switches_and_others_do_not(net: Net) -> None:
    topic = f"pgood/{BOARD}/host/0/set"
    net.until("off")
    for user in ("grafana", "rack2-0001"):
        net.write(user, topic, "ON")
    time.sleep(1)
    assert net.host() == "off"
    net.write("homeassistant", topic, "ON")
    net.until("on")


def test_no_board_speaks_for_another(net: Net) -> None:
    net.write("rack2-0001", f"pgood/{BOARD}/status", "offline")
    net.write("rack2-0001", "pgood/rack2-0001/status", "online")
    assert net.read("grafana", "pgood/rack2-0001/status", 2) == ""  # not retained: it was only allowed
    assert net.read("grafana", f"pgood/{BOARD}/status") == "online"
    assert net.read("rack2-0001", f"pgood/{BOARD}/info", 2) == ""


def test_the_two_pages_agree_on_boards() -> None:
    """docs/mqtt.md has a longer list; what a board may is the same."""
    for line in blocks()["pgood.acl"].splitlines():
        if line.startswith("pattern "):
            assert line in (DOCS / "mqtt.md").read_text(encoding="utf-8")
