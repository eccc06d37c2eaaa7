# SPDX-License-Identifier: Apache-2.0
"""A lost answer must never press a button twice, whatever the client does about the loss (safety rule 20)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ipmi.board import ChassisAction

from .clients import Clients
from .memory_board import MemoryBoard
from .relay import LossyRelay
from .serve import Served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACTIONS = {
    "on": (ChassisAction.ON, "--on"),
    "off": (ChassisAction.FORCE_OFF, "--off"),
    "soft": (ChassisAction.SOFT_OFF, "--soft"),
    "cycle": (ChassisAction.CYCLE, "--cycle"),
    "reset": (ChassisAction.RESET, "--reset"),
    "diag": (ChassisAction.NMI, "--pulse"),
}


def every(n: int, first: int = 0) -> Callable[[bytes], bool]:
    """Loses each n-th answer of any kind."""
    seen = first

    def loses(_: bytes) -> bool:
        nonlocal seen
        seen += 1
        return seen % n == 0

    return loses


def in_session(indexes: set[int]) -> Callable[[bytes], bool]:
    """Loses the encrypted answers with these indexes, counted over the whole run."""
    seen = -1

    def loses(datagram: bytes) -> bool:
        nonlocal seen
        if datagram[4:6] != b"\x06\xc0":
            return False
        seen += 1
        return seen in indexes

    return loses


def press(tool: str, word: str, loses: Callable[[bytes], bool], home: Path) -> tuple[str, MemoryBoard, int]:
    """One invocation of a client through a lossy relay."""
    parts = MemoryBoard()
    parts.chassis.power_on = True
    home.mkdir()
    with Served(parts) as served, LossyRelay(served.port, loses) as relay:
        clients = Clients(relay.port, home)
        if tool == "ipmitool":
            result = clients.ipmitool("-C", "17", "-N", "1", "-R", "5", "chassis", "power", word)
        elif tool == "ipmi-chassis":
            names = {"on": "POWER-UP", "off": "POWER-DOWN", "soft": "SOFT-SHUTDOWN", "cycle": "POWER-CYCLE",
                     "reset": "HARD-RESET", "diag": "DIAGNOSTIC-INTERRUPT"}  # fmt: skip
            result = clients.freeipmi(tool, f"--chassis-control={names[word]}")
        elif tool == "pyghmi":
            result = clients.pyghmi(f"bmc.raw_command(netfn=0, command=2, data=[{ACTIONS[word][0].value}])")
        else:
            result = clients.freeipmi(tool, ACTIONS[word][1])
        return f"{tool} {word}: {result.returncode} {result.stdout} {result.stderr}", parts, relay.lost


@pytest.mark.parametrize("tool", ["ipmitool", "ipmipower", "ipmi-chassis", "pyghmi"])
def test_answer_to_the_action_itself_is_lost(tool: str, tmp_path: Path) -> None:
    """ipmitool asks 3B, 2C/3E, 06/01 and 2C/00 twice first, the others only 3B: the action's answer is lost twice."""
    if tool == "pyghmi":
        pytest.importorskip("pyghmi")
    indexes = {5, 6} if tool == "ipmitool" else {1, 2}
    with ThreadPoolExecutor(len(ACTIONS)) as pool:
        runs = {word: pool.submit(press, tool, word, in_session(indexes), tmp_path / word) for word in ACTIONS}
    for word, run in runs.items():
        said, parts, lost = run.result()
        assert lost == 2, said
        assert [action for action, _ in parts.chassis.actions] == [ACTIONS[word][0]], said


@pytest.mark.parametrize("n", [4, 5, 7])
def test_every_nth_answer_is_lost(n: int, tmp_path: Path) -> None:
    """Through login and all. With each 2nd or 3rd lost ipmitool never gets in: it restarts its three-step handshake
    whenever one answer is missing."""
    jobs = [(tool, word) for tool in ("ipmitool", "ipmipower") for word in ("on", "cycle", "reset")]
    with ThreadPoolExecutor(len(jobs)) as pool:
        runs = [
            pool.submit(press, tool, word, every(n, start), tmp_path / f"{tool}-{word}")
            for start, (tool, word) in enumerate(jobs)
        ]
    for (_, word), run in zip(jobs, runs, strict=True):
        said, parts, lost = run.result()
        assert lost > 0, said
        assert parts.chassis.count(ACTIONS[word][0]) == 1, said
        assert len(parts.chassis.actions) == 1, said
