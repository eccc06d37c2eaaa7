# SPDX-License-Identifier: Apache-2.0
"""What is planned is written whole, whoever presses what, and belongs to whom it should."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from agent.commission.setup.ask_user import NewUser
from agent.commission.setup.carry_out import carry_out
from agent.commission.setup.interview import SetupError
from agent.commission.setup.plan import Plan
from agent.commission.setup.planned_file import Owner, PlannedFile
from agent.store.private import write_private
from agent.store.users import USERS

if TYPE_CHECKING:
    from pathlib import Path

USER = NewUser("admin", "secret", known=False, made_up=False)


def plan(folder: Path) -> Plan:
    site, secret = folder / "etc/pgood.toml", folder / "etc/mqtt-password"
    files = (
        PlannedFile(secret, b"hush\n", "the password for the broker", secret=True),
        PlannedFile(site, b"[board]\n", "the site file"),
    )
    return Plan(USER, files, "sim")


def test_ctrl_c_waits_until_everything_is_written(tmp_path: Path) -> None:
    said: list[str] = []

    def interrupted(text: str) -> None:
        said.append(text)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        carry_out(plan(tmp_path), tmp_path / "state", None, lambda user: said.append(user.name), interrupted)
    assert said[-1] == "admin"
    assert sorted(file.name for file in (tmp_path / "etc").iterdir()) == ["mqtt-password", "pgood.toml"]
    assert (tmp_path / "etc/pgood.toml").read_bytes() == b"[board]\n"


def test_what_was_written_before_a_failure_is_told(tmp_path: Path) -> None:
    def fails(user: NewUser) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(SetupError, match=r"No space left on device \(written before: .*mqtt-password, .*pgood.toml\)"):
        carry_out(plan(tmp_path), tmp_path / "state", None, fails, lambda text: None)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(SetupError, match=r"state.*\(nothing was written\)"):
        carry_out(plan(tmp_path), tmp_path / "state", None, lambda user: None, lambda text: None)
    assert not (tmp_path / "etc").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_state_and_secrets_belong_to_the_service(tmp_path: Path) -> None:
    state, owner = tmp_path / "state", Owner(12345, 12346)
    foreign = tmp_path / "foreign"
    foreign.write_text("of somebody else")

    def make(user: NewUser) -> None:
        write_private(state / USERS, b"[]")
        (state / "lock").symlink_to(foreign)

    carry_out(plan(tmp_path), state, owner, make, lambda text: None)
    for file in (state, state / USERS, tmp_path / "etc/mqtt-password"):
        assert (file.stat().st_uid, file.stat().st_gid) == (12345, 12346), file
    assert (tmp_path / "etc/pgood.toml").stat().st_uid == 0
    assert foreign.stat().st_uid == 0
    assert (tmp_path / "etc/mqtt-password").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "etc/pgood.toml").stat().st_mode & 0o777 == 0o644
