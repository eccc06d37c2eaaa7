# SPDX-License-Identifier: Apache-2.0
"""Runs foreign IPMI clients as their users do: as programs, with a home directory of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from .memory_board import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S = 40


def find(program: str) -> str:
    """Where a program is; skips the test when it is nowhere."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


@dataclass(frozen=True)
class Clients:
    """Clients that talk to 127.0.0.1:`port`; FreeIPMI keeps its SDR caches below `home`."""

    port: int
    home: Path
    user: str = "admin"
    password: str = PASSWORD.decode()

    def ipmitool(self, *arguments: str, interface: str = "lanplus") -> subprocess.CompletedProcess[str]:
        where = ("-I", interface, "-H", "127.0.0.1", "-p", str(self.port))
        return self._run("ipmitool", *where, "-U", self.user, "-P", self.password, *arguments)

    def freeipmi(self, tool: str, *arguments: str, driver: str = "LAN_2_0") -> subprocess.CompletedProcess[str]:
        """A FreeIPMI tool. ipmipower and ipmiping speak to several hosts and take no SDR cache."""
        where = ("-h", f"127.0.0.1:{self.port}", "-u", self.user, "-p", self.password, "-D", driver)
        cache = ("--sdr-cache-directory", str(self.home)) if tool in ("ipmi-sensors", "ipmi-sel", "ipmi-fru") else ()
        return self._run(tool, *where, *cache, *arguments)

    def pyghmi(self, script: str) -> subprocess.CompletedProcess[str]:
        """Python source that finds a logged-in pyghmi `Command` in the name `bmc`. Its global state needs a process."""
        start = (
            "from pyghmi.ipmi.command import Command\n"
            f"bmc = Command('127.0.0.1', {self.user!r}, {self.password!r}, port={self.port})\n"
        )
        return self._run(sys.executable, "-c", start + script)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = find(program)
        environment = {**os.environ, "HOME": str(self.home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return subprocess.run(
            [path, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
        )
