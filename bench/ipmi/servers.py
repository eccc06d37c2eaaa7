# SPDX-License-Identifier: Apache-2.0
"""Starts each server as its users do, with one user `admin`, password `password`, on a loopback port."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import server

if TYPE_CHECKING:
    from collections.abc import Callable

USER, PASSWORD = "admin", "password"
START_WITHIN_S = 20.0
STOP_WITHIN_S = 10.0

SIM_LAN = """name "bench"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "admin" "password" admin 10 none md2 md5 straight
"""
SIM_COMMANDS = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
PYGHMI = (
    "from pyghmi.cmd.fakebmc import FakeBmc; import sys;FakeBmc({'admin': 'password'}, port=int(sys.argv[1])).listen()"
)


class ServerMissing(Exception):
    """A server of the comparison is not installed."""


@dataclass
class Running:
    """A started server; `first_answer_s` from the start of its process to its first answer."""

    process: subprocess.Popen[bytes]
    port: int
    first_answer_s: float

    def stop(self) -> None:
        server.stop(self.process, STOP_WITHIN_S)


def _pgood(port: int, folder: Path) -> list[str]:
    pgood = str(Path(sys.executable).parent / "pgood")
    subprocess.run(
        [pgood, "user", "add", USER, "--stdin", "--state-dir", str(folder)],
        input=PASSWORD.encode() + b"\n",
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return [pgood, "run", "--profile", "sim", "--state-dir", str(folder), "--ipmi", f"127.0.0.1:{port}"]


def _ipmi_sim(port: int, folder: Path) -> list[str]:
    program = shutil.which("ipmi_sim")
    if program is None:
        raise ServerMissing("ipmi_sim is not installed: apt-get install openipmi")
    (folder / "lan.conf").write_text(SIM_LAN.format(port=port))
    (folder / "commands.emu").write_text(SIM_COMMANDS)
    (folder / "state").mkdir()
    files = ["-c", str(folder / "lan.conf"), "-f", str(folder / "commands.emu"), "-s", str(folder / "state")]
    return [program, *files, "-n"]


def _pyghmi(port: int, folder: Path) -> list[str]:
    return [sys.executable, "-c", PYGHMI, str(port)]


SERVERS: dict[str, Callable[[int, Path], list[str]]] = {"pgood": _pgood, "ipmi_sim": _ipmi_sim, "pyghmi": _pyghmi}


def start(name: str, folder: Path) -> Running:
    """Start a server with its files in an empty folder, and wait for its first answer. Raises ServerMissing."""
    port = server.free_port()
    process, first_answer_s = server.start(SERVERS[name](port, folder), port, folder / "log", START_WITHIN_S)
    return Running(process, port, first_answer_s)
