# SPDX-License-Identifier: Apache-2.0
"""An agent of our own on a simulated board, that a scenario may kill."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from agent.board.board import DATABASE
from agent.control.client import AgentUnreachable, call
from agent.sim.stage import SocketStage

if TYPE_CHECKING:
    from types import TracebackType

PGOOD = str(Path(sys.executable).parent / "pgood")
WORLD = ("--simulated", "--keep-world")
START_WITHIN_S = 60.0
STOP_WITHIN_S = 30.0
STORED_WITHIN_S = 10.0


class PlayedAgent(SocketStage):
    """A stage that owns its agent. The world outlives it, as a real machine does."""

    def __init__(self, profile: str, state_dir: Path, *more: str) -> None:
        """`more`: options of `pgood run`; those of a simulated world unless given."""
        self.state_dir = state_dir
        self._socket = state_dir / "pgood.sock"
        super().__init__(self._socket)
        self._command = [PGOOD, "run", "--profile", profile, *(more or WORLD)]
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.state_dir / "agent.log").read_text()

    def __enter__(self) -> PlayedAgent:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._log = (self.state_dir / "agent.log").open("ab")
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert self._log is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        finally:
            self._process.kill()
            self._log.close()

    def kill(self) -> None:
        """Not before what runs is on the disk: an operation that is milliseconds old leaves no trace."""
        assert self._process is not None
        deadline_s = time.monotonic() + STORED_WITHIN_S
        while not self._running() <= self._stored():
            assert time.monotonic() < deadline_s, "an operation that runs was never stored"
            time.sleep(0.002)
        self._process.kill()
        self._process.wait(STOP_WITHIN_S)
        self._start()

    def _running(self) -> set[str]:
        listed = call(self._socket, "call", name="operations/list", given={"active": True})["data"]["operations"]
        return {operation["id"] for operation in listed}

    def _stored(self) -> set[str]:
        with contextlib.closing(sqlite3.connect(f"file:{self.state_dir / DATABASE}?mode=ro", uri=True)) as database:
            return {row[0] for row in database.execute("SELECT id FROM operations")}

    def _start(self) -> None:
        """Start the agent, and wait until it knows the state of its hosts."""
        self._process = subprocess.Popen(
            [*self._command, "--state-dir", str(self.state_dir)],
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )
        deadline_s = time.monotonic() + START_WITHIN_S
        while not self._settled():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline_s, f"the agent did not start: {self.log}"
            time.sleep(0.02)

    def _settled(self) -> bool:
        try:
            documents = call(self._socket, "status")["documents"]
        except AgentUnreachable:
            return False
        states = [document["state"] for name, document in documents.items() if name.startswith("host/")]
        return "unknown" not in states
