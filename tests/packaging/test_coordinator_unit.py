# SPDX-License-Identifier: Apache-2.0
"""The coordinator's systemd unit: what systemd itself says of it, that it fits the command, and that it is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.cli.main import parser
from agent.cli.places import SYSTEM_SITE, SYSTEM_STATE, coordinator_state_dir
from agent.fleet.budget.timing import BEAT_S
from agent.fleet.program.pulse import Pulse
from agent.service.credentials import SECRETS
from tests.agent.fleet.program.processes import FILE

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "packaging" / "pgood-coordinator.service"
MOST_EXPOSURE = 2.0
SLACK_S = 20.0


def value(key: str) -> str:
    (only,) = re.findall(rf"^{key}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    return str(only)


def test_exposure_and_keys_as_systemd_sees_them() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here; on Debian it comes with the package systemd")
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60)
    found = re.search(r"Overall exposure level for pgood-coordinator.service: ([0-9.]+)", told.stdout)
    assert found, told.stdout + told.stderr
    assert float(found[1]) <= MOST_EXPOSURE
    words = ["systemd-analyze", "verify", "--man=no", str(UNIT)]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60)
    complaints = [line for line in told.stderr.splitlines() if "pgood-coordinator.service" in line]
    assert [line for line in complaints if "/usr/bin/pgood is not executable" not in line] == []


def test_the_command_line_is_one_that_pgood_takes_and_status_finds() -> None:
    program, *words = value("ExecStart").split()
    assert program == "/usr/bin/pgood"
    arguments = parser(words).parse_args(words)
    assert arguments.config == SYSTEM_SITE.with_name("coordinator.toml")
    assert str(arguments.config) == value("ConditionPathExists")
    assert arguments.state_dir == SYSTEM_STATE / "coordinator"
    assert f"/var/lib/{value('StateDirectory')}" == str(arguments.state_dir)
    assert value("LoadCredential") == f"{SECRETS}:{SYSTEM_SITE.parent}/secrets"
    if os.getuid() == 0:
        assert coordinator_state_dir() == arguments.state_dir


def test_the_watchdog_waits_for_several_beats() -> None:
    assert float(value("WatchdogSec")) >= 4 * BEAT_S


def test_the_package_carries_it_and_enables_nothing() -> None:
    rules = (ROOT / "packaging/debian/rules").read_text(encoding="utf-8")
    assert "dh_installsystemd --name=pgood-coordinator --no-enable" in rules
    assert "pgood-coordinator.service" in (ROOT / "packaging/build-deb").read_text(encoding="utf-8")


@pytest.mark.parametrize("frozen", [False, True])
def test_the_cycle_beats_without_a_broker_and_a_frozen_program_does_not(tmp_path: Path, frozen: bool) -> None:
    """What systemd would hear: ready, then a beat at each look; nothing when the program hangs."""
    file = tmp_path / "coordinator.toml"
    file.write_text(FILE.format(url="mqtt://127.0.0.1:1"), encoding="utf-8")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(SLACK_S)
    words = [sys.executable, "-m", "agent", "coordinator", "--config", str(file), "--state-dir", str(tmp_path / "s")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": str(tmp_path / "notify")}
    program = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
    try:
        assert manager.recv(4096).startswith(b"READY=1\nSTATUS=domain hall: does not lead")
        for _ in range(2):
            wait_for(manager, b"WATCHDOG=1")
        if frozen:
            program.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
            manager.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                while manager.recv(4096):
                    pass  # what it said before
            manager.settimeout(2 * BEAT_S)
            with pytest.raises(TimeoutError):
                manager.recv(4096)
            program.send_signal(signal.SIGCONT)
            manager.settimeout(SLACK_S)
        program.terminate()
        wait_for(manager, b"STOPPING=1")
        assert program.wait(SLACK_S) == 0
    finally:
        program.kill()
        program.wait()
        manager.close()


def wait_for(manager: socket.socket, told: bytes) -> None:
    while manager.recv(4096) != told:
        pass


def test_a_cycle_that_never_ends_does_not_beat() -> None:
    """A hung broker call is no reason for beats: they come from the end of each look."""
    from tests.agent.fleet.budget.made_up_hall import Hall

    async def scene() -> None:
        hall = Hall()
        await hall.open()
        beats = 0

        def beaten() -> None:
            nonlocal beats
            beats += 1

        coordinator = hall.coordinators[0]
        coordinator.beaten = beaten
        running = asyncio.create_task(coordinator.run())
        await hall.settle()
        assert beats == 1
        running.cancel()
        coordinator.bus = Hung()  # type: ignore[assignment]
        running = asyncio.create_task(coordinator.run())
        await hall.settle()
        assert beats == 1
        running.cancel()
        await hall.close()

    asyncio.run(scene())


class Hung:
    async def lease(self, *_: object, **__: object) -> None:
        await asyncio.Event().wait()

    def subscribe(self, _pattern: str) -> Hung:
        return self

    def __aiter__(self) -> Hung:
        return self

    async def __anext__(self) -> object:
        return await asyncio.Event().wait()


def test_a_program_of_two_parts_lives_only_when_both_do() -> None:
    alive: list[str] = []
    pulse = Pulse(("coordinator", "farm"), lambda: alive.append("alive"))
    for _ in range(3):
        pulse.beat("coordinator")
    assert alive == []
    pulse.beat("farm")
    assert alive == ["alive"]
    pulse.beat("farm")
    assert alive == ["alive"]
