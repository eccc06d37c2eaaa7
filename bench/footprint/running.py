# SPDX-License-Identifier: Apache-2.0
"""One agent as a board runs it: site file, users, broker with discovery; started, asked and stopped."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import server
from bench.server import HOST, free_port

if TYPE_CHECKING:
    from pathlib import Path

USERS = ("admin", "operator", "watcher")
PASSWORD = "password"
START_WITHIN_S = 300.0
"""Only so that the bench ends when an agent never answers; an emulated one takes a minute to compile itself."""
STOP_WITHIN_S = 60.0
CLIENT_WITHIN_S = 120.0
LEFT_OUT = ("PYTHONDONTWRITEBYTECODE", "PYTHONOPTIMIZE", "PYTHONMALLOC", "PYTHONDEVMODE")
"""Variables of whoever measures; an agent that is installed has its modules compiled beside them."""
SITE = """[board]
id = "{board}"

[mqtt]
url = "mqtt://{host}:{port}"
"""


@dataclass
class Program:
    """The Python that has pgood, and where what it compiles is kept for the time of the bench."""

    python: str
    compiled: Path

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        return {**kept, "PYTHONPYCACHEPREFIX": str(self.compiled)}

    def run(self, *arguments: str, given: bytes = b"") -> str:
        """What it prints. Raises CalledProcessError."""
        command = [self.python, *arguments]
        done = subprocess.run(command, input=given, check=True, stdout=subprocess.PIPE, env=self.environment())
        return done.stdout.decode()


@dataclass
class Running:
    """A started agent; `first_answer_s` from the start of its process to its first answer over IPMI."""

    process: subprocess.Popen[bytes]
    port: int
    first_answer_s: float

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask(self) -> None:
        """One whole session of a foreign client, so that what a session needs is in memory as well."""
        client = ["ipmitool", "-I", "lanplus", "-H", HOST, "-p", str(self.port), "-U", USERS[0], "-P", PASSWORD]
        subprocess.run(
            [*client, "sdr"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=CLIENT_WITHIN_S
        )

    def stop(self) -> None:
        server.stop(self.process, STOP_WITHIN_S)


def prepare(program: Program, folder: Path, board: str, broker_port: int) -> Path:
    """Users in the state directory `folder`, and a site file in it, which is returned."""
    folder.mkdir(parents=True)
    for user in USERS:
        add = ("-m", "agent", "user", "add", user, "--stdin", "--state-dir", str(folder))
        program.run(*add, given=PASSWORD.encode() + b"\n")
    site = folder / "pgood.toml"
    site.write_text(SITE.format(board=board, host=HOST, port=broker_port), encoding="utf-8")
    return site


def start(program: Program, profile: tuple[str, ...], folder: Path, site: Path) -> Running:
    """Start an agent (`profile`: what follows --profile) and ask it over IPMI until it answers."""
    port = free_port()
    command = [program.python, "-m", "agent", "run", "--profile", *profile, "--config", str(site)]
    command += ["--state-dir", str(folder), "--ipmi", f"{HOST}:{port}"]
    process, first_answer_s = server.start(command, port, folder / "log", START_WITHIN_S, program.environment())
    return Running(process, port, first_answer_s)
