# SPDX-License-Identifier: Apache-2.0
"""Which module of the server may use which: bytes below, decisions above, and nothing of the application."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ipmi

ROOT = Path(ipmi.__file__).parent
BELOW = {
    "message": set[str](),
    "wire": set[str](),
    "crypto": set[str](),
    "rakp": set[str](),
    "window": set[str](),
    "board/chassis": set[str](),
    "board/sensors": set[str](),
    "board/storage": set[str](),
    "board/users": set[str](),
    "sol": set[str](),
    "watchdog": {"ipmi.board"},
    "records/linear": set[str](),
    "records/fru": {"ipmi.board", "ipmi.message"},
    "records/sdr": {"ipmi.board", "ipmi.message", "ipmi.records.linear"},
    "records/sel": {"ipmi.message", "ipmi.timestamp", "ipmi"},
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("module", sorted(BELOW))
def test_codecs_use_nothing_above_them(module: str) -> None:
    used = {name for name in imports(ROOT / f"{module}.py") if name.partition(".")[0] == "ipmi"}
    assert used <= BELOW[module]


def test_the_library_knows_nothing_of_the_application() -> None:
    for path in ROOT.rglob("*.py"):
        assert not {name for name in imports(path) if name.partition(".")[0] in ("agent", "native", "tests")}, path


def test_only_the_edges_touch_sockets_and_the_loop() -> None:
    users = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if {"socket", "asyncio"} & imports(path)}
    assert users == {
        "endpoint.py",
        "server.py",
        "running.py",
        "commands/oem_redundancy.py",
        "commands/watchdog.py",
        "sol_service.py",
    }


@pytest.mark.parametrize("handlers", sorted(path.name for path in (ROOT / "commands").glob("*.py")))
def test_handlers_see_no_wire(handlers: str) -> None:
    assert not imports(ROOT / "commands" / handlers) & {"ipmi.wire", "ipmi.endpoint", "ipmi.server", "ipmi.running"}
