# SPDX-License-Identifier: Apache-2.0
"""The agent's own command line under a stand-in for systemd: readiness, watchdog, status, events, end."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest

from agent.control.client import call
from tests.agent.service.manager import ServiceManager
from tests.agent.service.test_journal import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = [sys.executable, "-m", "agent", "run"]
WATCHDOG_US = 400_000


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ServiceManager]:
    with ServiceManager(tmp_path) as started:
        yield started


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    site = tmp_path / "pgood.toml"
    site.write_text('[board]\nid = "desk"\nprofile = "sim"\n\n[ipmi]\nlisten = ["127.0.0.1:0"]\n')
    return [*RUN, "--config", str(site), "--state-dir", str(tmp_path / "state")]


def test_a_life(manager: ServiceManager, command: list[str], tmp_path: Path) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    log = tmp_path / "log"
    manager.start(command, log, {"WATCHDOG_USEC": str(WATCHDOG_US), "RUNTIME_DIRECTORY": str(runtime)})
    status = manager.told("STATUS")[0]
    assert "desk; armed; IPMI on 127.0.0.1:" in status
    for folder in (runtime, tmp_path / "state"):
        assert {"key": "board.id", "value": "desk", "origin": "site file"} in call(folder / "pgood.sock", "config")
    manager.wait("WATCHDOG")
    manager.wait("STATUS", value=status.replace("host 0 unknown", "host 0 off"))
    pid = manager.pid
    assert manager.stop() == 0
    manager.hear_all()
    assert any(told.get("STOPPING") == "1" and told["pid"] == str(pid) for told in manager.messages)


def test_a_loop_that_hangs_feeds_no_watchdog(manager: ServiceManager, command: list[str], tmp_path: Path) -> None:
    manager.start(command, tmp_path / "log", {"WATCHDOG_USEC": str(WATCHDOG_US)})
    manager.wait("WATCHDOG")
    os.kill(manager.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, manager.pid, os.WSTOPPED)
    manager.hear_all()
    before = len(manager.told("WATCHDOG"))
    time.sleep(3 * WATCHDOG_US / 1e6)
    manager.hear_all()
    assert len(manager.told("WATCHDOG")) == before
    os.kill(manager.pid, signal.SIGCONT)


def test_events_go_to_the_journal_with_fields(manager: ServiceManager, command: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    there = log.stat()
    heard: list[dict[str, str]] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        journal.settimeout(30)
        manager.start(
            [sys.executable, "-c", REDIRECTED, str(tmp_path / "journal"), *command[3:]],
            log,
            {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"},
        )
        while not any(fields.get("PGOOD_EVENT") == "agent.started" for fields in heard):
            heard.append(decoded(journal.recv(65536)))
        manager.wait("STATUS", value=manager.told("STATUS")[0].replace("host 0 unknown", "host 0 off"))
        assert call(tmp_path / "state/pgood.sock", "power", host="0", action="on")["good"]
        while not any(fields.get("PGOOD_EVENT") == "host.on" for fields in heard):
            heard.append(decoded(journal.recv(65536)))
    on = next(fields for fields in heard if fields.get("PGOOD_EVENT") == "host.on")
    assert (on["PGOOD_HOST"], on["PGOOD_SOURCE"], on["PRIORITY"]) == ("0", "host/0", "6")
    assert on["PGOOD_EVENT_ID"].startswith("00000001-")
    assert "on" in on["MESSAGE"]


REDIRECTED = """
import sys
from agent.service import journal
journal.JournalHandler.__init__.__defaults__ = (sys.argv.pop(1),)
from agent.cli.main import main
sys.exit(main())
"""


def test_a_mistake_is_one_line_with_its_priority(manager: ServiceManager, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    there = log.stat()
    with pytest.raises(AssertionError):
        manager.start(
            [*RUN, "--config", str(tmp_path / "none.toml")],
            log,
            {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"},
        )
    assert log.read_text().startswith("<3>pgood: ")
    assert "none.toml" in log.read_text()
