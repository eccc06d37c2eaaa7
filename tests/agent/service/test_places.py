# SPDX-License-Identifier: Apache-2.0
"""Where the local socket goes, and as whom root works on the state of a service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.service.owner import foreign_owner
from agent.service.socket_place import socket_place

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user: runs as root, as CI does")
NOBODY = 65534


def test_in_the_state_directory_unless_there_is_a_runtime_directory(tmp_path: Path) -> None:
    assert socket_place(tmp_path, {}) == tmp_path / "pgood.sock"
    assert socket_place(tmp_path, {"RUNTIME_DIRECTORY": str(tmp_path / "none")}) == tmp_path / "pgood.sock"


def test_a_link_leads_to_the_runtime_directory(tmp_path: Path) -> None:
    runtime, state = tmp_path / "run", tmp_path / "state"
    runtime.mkdir()
    state.mkdir()
    for _ in range(2):  # an old link is replaced
        assert socket_place(state, {"RUNTIME_DIRECTORY": f"{runtime}:/other"}) == runtime / "pgood.sock"
    assert (state / "pgood.sock").readlink() == runtime / "pgood.sock"
    assert not (state / "pgood.sock").exists()
    assert socket_place(state, {}) == state / "pgood.sock"


def test_a_folder_of_ones_own_is_not_foreign(tmp_path: Path) -> None:
    assert foreign_owner(tmp_path) is None
    assert foreign_owner(tmp_path / "none") is None


@as_root
def test_root_does_not_run_an_agent_on_the_state_of_another_user(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    command = [sys.executable, "-m", "agent", "run", "--profile", "sim", "--state-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"{tmp_path} belongs to nobody: use systemctl, or sudo -u nobody" in done.stderr
    assert list(tmp_path.iterdir()) == []


@as_root
def test_root_makes_users_and_arms_as_the_service_s_user(tmp_path: Path) -> None:
    home = Path("/tmp") / f"pgood-test-{os.getpid()}"  # every folder above has to be open to the other user
    home.mkdir()
    try:
        os.chown(home, NOBODY, NOBODY)
        for words in (["user", "init"], ["arm"]):
            command = [sys.executable, "-m", "agent", *words, "--state-dir", str(home)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
        owners = {entry.name: entry.stat().st_uid for entry in home.iterdir()}
        assert owners == {"users.json": NOBODY, "lock": NOBODY, "armed": NOBODY}
    finally:
        for entry in home.iterdir():
            entry.unlink()
        home.rmdir()
