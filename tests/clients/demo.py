# SPDX-License-Identifier: Apache-2.0
"""Starts `pgood demo` as a user does, and lets foreign clients talk to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_S, until

PGOOD = str(Path(sys.executable).parent / "pgood")


@dataclass
class Demo:
    """A running demo with its own state directory and free ports."""

    process: subprocess.Popen[str]
    state_dir: Path
    ready: dict[str, Any]
    home: Path

    def pgood(self, *arguments: str, code: int | None = 0) -> str:
        """Run a verb against this demo; returns what it printed."""
        done = subprocess.run(
            [PGOOD, *arguments, "--state-dir", str(self.state_dir)], capture_output=True, text=True, timeout=60
        )
        if code is not None:
            assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.pgood("status", "--json"))
        return status

    def ipmitool(self, *arguments: str, suite: int | None = None, code: int | None = 0) -> str:
        ipmi = self.ready["ipmi"]
        command = ["ipmitool", "-I", "lanplus", "-H", ipmi["host"], "-p", str(ipmi["port"])]
        command += ["-U", ipmi["user"], "-P", ipmi["password"]]
        command += [] if suite is None else ["-C", str(suite)]
        return self.client([*command, *arguments], code)

    def freeipmi(self, program: str, *arguments: str, code: int | None = 0) -> str:
        ipmi = self.ready["ipmi"]
        command = [program, "-D", "LAN_2_0", "-h", f"{ipmi['host']}:{ipmi['port']}"]
        command += ["-u", ipmi["user"], "-p", ipmi["password"]]
        return self.client([*command, *arguments], code)

    def as_user(self, name: str, password: str) -> Demo:
        """The same demo for clients that log in as another user."""
        ipmi = {**self.ready["ipmi"], "user": name, "password": password}
        return Demo(self.process, self.state_dir, {**self.ready, "ipmi": ipmi}, self.home)

    def client(self, command: list[str], code: int | None, within_s: float = 60) -> str:
        """Run any client; returns what it printed."""
        done = self.run(command, within_s)
        if code is not None:
            assert done.returncode == code, (command[0], command[9:], done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def run(self, command: list[str], within_s: float = 60) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HOME": str(self.home)}  # FreeIPMI keeps its SDR cache there
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=within_s, env=environment
        )

    def powered(self) -> bool:
        return "is on" in self.ipmitool("chassis", "power", "status")

    def until(self, host_state: str, within_s: float = PATIENCE_S) -> None:
        """Wait until host 0 is in this state."""

        def state() -> str:
            found: str = self.status()["documents"]["host/0/state"]["state"]
            return found

        until(lambda: state() == host_state, lambda: f"host 0 is {state()}, not {host_state}", within_s)

    def events(self) -> list[dict[str, Any]]:
        lines = self.pgood("events", "--json", "--latest", "1000").splitlines()
        return [json.loads(line) for line in lines]

    def until_told(self, kind: str, before: int = 0, times: int = 1) -> list[dict[str, Any]]:
        """Wait until this kind of event was told so often after the first `before` events; returns all after them."""

        def told() -> list[dict[str, Any]]:
            return self.events()[before:]

        until(lambda: sum(event["kind"] == kind for event in told()) >= times, lambda: f"no {kind} in {told()}")
        return told()

    def until_logged(self, *texts: str) -> str:
        """Wait until the system event log has all these texts: a record follows what it tells of; returns the log."""

        def log() -> str:
            return self.ipmitool("sel", "elist")

        until(lambda: all(text in log() for text in texts), lambda: f"not all of {texts} in {log()}")
        return log()

    def stop(self) -> tuple[int, str]:
        """Ctrl-C; returns the exit code and everything that the demo printed."""
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output


def start_demo(state_dir: Path, *arguments: str) -> Demo:
    """Start a demo on free ports and wait until it says that everything answers."""
    state_dir.mkdir(parents=True, exist_ok=True)
    home = state_dir / "home"
    home.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [PGOOD, "demo", "--state-dir", str(state_dir), "--ipmi", "127.0.0.1:0", "--mqtt-port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    ready = state_dir / "demo.json"
    deadline = time.monotonic() + PATIENCE_S
    while not _is_ready(ready, process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"the demo did not start: {process.communicate()[0]}")
        time.sleep(0.02)
    return Demo(process, state_dir, json.loads(ready.read_text()), home)


def _is_ready(file: Path, pid: int) -> bool:
    """Whether the file is there and not one that a killed demo left behind."""
    try:
        return bool(json.loads(file.read_text())["pid"] == pid)
    except FileNotFoundError:
        return False
