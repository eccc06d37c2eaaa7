# SPDX-License-Identifier: Apache-2.0
"""docs/troubleshooting.md: what can be provoked here is printed as the page says, but for names and numbers."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.agent.mqtt.brokers import Mosquitto, free_port
from tests.clients.demo import PGOOD, start_demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

PAGE = Path(__file__).resolve().parents[2] / "docs/troubleshooting.md"
YOURS = (
    (r"\b[\w.]+:\d+\b", "ADDRESS"),
    (r"(?<=directory )/\S*\w", "FOLDER"),
    (r"\(.*gpiochip.*\)", "(CHIPS)"),
    (r"^.*WARNING \S+ ", ""),
)
"""What differs from board to board."""


def plain(line: str) -> str:
    for pattern, word in YOURS:
        line = re.sub(pattern, word, line)
    return line.strip()


QUOTED = {plain(line) for line in PAGE.read_text(encoding="utf-8").splitlines()}


def assert_quoted(printed: str, part: str) -> None:
    """The line of `printed` with this part is on the page."""
    lines = [line for line in printed.splitlines() if part in line]
    assert lines, printed
    assert plain(lines[0]) in QUOTED


def run(*arguments: str) -> str:
    done = subprocess.run([PGOOD, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done
    return done.stderr


@pytest.fixture
def observing(tmp_path: Path) -> Iterator[Demo]:
    running = start_demo(tmp_path / "observing", "--observe")
    yield running
    running.stop()


def test_a_machine_that_does_not_start(demo: Demo) -> None:
    if demo.powered():
        demo.pgood("power", "force-off")
    demo.pgood("sim", "host", "0", "no-power-good")
    assert_quoted(demo.pgood("power", "on", code=1), "did not rise")
    assert_quoted(demo.pgood("power", "on", code=1), "insist with --force")
    assert_quoted(demo.ipmitool("power", "on", code=1), "not supported in present state")
    demo.pgood("sim", "host", "0", "normal")
    demo.until("on")


def test_a_board_that_is_not_armed(observing: Demo) -> None:
    assert_quoted(observing.pgood("power", "on", code=2), "not-armed")
    assert_quoted(observing.pgood("status"), "observe-only")


def test_a_port_and_a_directory_that_are_taken(demo: Demo, tmp_path: Path) -> None:
    ipmi = demo.ready["ipmi"]
    simulated = ("run", "--profile", "sim", "--ipmi", f"{ipmi['host']}:{ipmi['port']}")
    assert_quoted(run(*simulated, "--state-dir", str(tmp_path / "other")), "cannot listen")
    assert_quoted(run(*simulated, "--state-dir", str(demo.state_dir)), "another pgood uses it")
    elsewhere = ("run", "--profile", "sim", "--ipmi", "192.0.2.10:6230", "--state-dir", str(tmp_path / "third"))
    assert_quoted(run(*elsewhere), "Cannot assign requested address")


def test_no_agent(tmp_path: Path) -> None:
    assert_quoted(run("status", "--state-dir", str(tmp_path / "nobody")), "no agent runs")


def test_a_chip_that_is_not_there(tmp_path: Path) -> None:
    printed = run("run", "--profile", "raspberry-pi-atx", "--state-dir", str(tmp_path / "state"))
    if "no permission" not in printed:  # a machine with GPIO chips of its own
        assert_quoted(printed, "chips.header")


@pytest.mark.parametrize("running", [True, False])
def test_a_broker_that_refuses(tmp_path: Path, running: bool) -> None:
    broker = Mosquitto(tmp_path, ("allow_anonymous false",)) if running else None
    if broker:
        broker.start(probe=False)
    url = broker.url if broker else f"mqtt://127.0.0.1:{free_port()}"
    command = ["run", "--profile", "sim", "--ipmi", "127.0.0.1:0", "--broker", url, "--state-dir", str(tmp_path / "s")]
    log = tmp_path / "log"
    with log.open("w") as output:
        agent = subprocess.Popen([PGOOD, *command], stderr=output)
    try:
        until_s = time.monotonic() + 30
        while "MQTT:" not in log.read_text():
            assert time.monotonic() < until_s, log.read_text()
            time.sleep(0.05)
    finally:
        agent.terminate()
        agent.wait(timeout=20)
        if broker:
            broker.kill()
    assert_quoted(log.read_text(), "MQTT:")
