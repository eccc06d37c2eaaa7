# SPDX-License-Identifier: Apache-2.0
"""`pgood user`, with a running agent and without one."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.clients.demo import PGOOD, start_demo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client


def pgood(state_dir: Path, *words: str, typed: str = "", code: int = 0) -> str:
    done = subprocess.run(
        [PGOOD, "user", *words, "--state-dir", str(state_dir)], input=typed, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


def logs_in(demo: Demo, name: str, password: str, level: str = "OPERATOR") -> bool:
    return demo.as_user(name, password).ipmitool("-L", level, "mc", "guid", code=None).startswith("System GUID")


def test_with_a_running_agent(demo: Demo) -> None:
    """Every verb takes effect at once."""
    state = demo.state_dir
    shown = pgood(state, "add", "frank", "--privilege", "operator")
    password = re.search(r"password (\w+)", shown)
    assert password is not None
    assert logs_in(demo, "frank", password[1])
    assert not logs_in(demo, "frank", password[1], "ADMINISTRATOR")
    pgood(state, "passwd", "frank", typed="a-better-password\n")
    assert not logs_in(demo, "frank", password[1])
    assert logs_in(demo, "frank", "a-better-password")
    pgood(state, "priv", "frank", "administrator")
    assert logs_in(demo, "frank", "a-better-password", "ADMINISTRATOR")
    pgood(state, "disable", "frank")
    assert not logs_in(demo, "frank", "a-better-password")
    pgood(state, "enable", "frank")
    assert logs_in(demo, "frank", "a-better-password")
    assert "frank" in demo.ipmitool("user", "list")
    pgood(state, "delete", "frank")
    assert not logs_in(demo, "frank", "a-better-password")
    assert "frank" not in pgood(state, "list")


def test_refusals(demo: Demo) -> None:
    state = demo.state_dir
    assert "nobody would be left who can administrate" in pgood(state, "delete", "admin", code=1)
    assert "nobody would be left" in pgood(state, "priv", "admin", "user", code=1)
    assert "there is a user admin already" in pgood(state, "add", "admin", code=1)
    assert "there is no user 'ghost'" in pgood(state, "enable", "ghost", code=1)
    assert "1 to 20 bytes" in pgood(state, "passwd", "admin", typed="x" * 21 + "\n", code=1)
    assert "1 to 20 bytes" in pgood(state, "passwd", "admin", typed="\n", code=1)
    assert "no space" in pgood(state, "add", "two words", code=1)
    assert "no space" in pgood(state, "add", "n" * 17, code=1)
    assert "present state" in demo.ipmitool("user", "disable", "2", code=1).lower()


def test_without_an_agent(tmp_path: Path) -> None:
    shown = pgood(tmp_path, "init")
    assert re.search(r"user admin, password \w{16}", shown)
    assert "there are users already" in pgood(tmp_path, "init", code=2)
    pgood(tmp_path, "add", "grace", "--privilege", "user", "--stdin", typed="her-password\n")
    users = json.loads(pgood(tmp_path, "list", "--json"))
    assert [(user["id"], user["name"], user["privilege"]) for user in users] == [
        (2, "admin", "administrator"),
        (3, "grace", "user"),
    ]
    assert (tmp_path / "users.json").stat().st_mode & 0o777 == 0o600
    pgood(tmp_path, "delete", "grace")
    assert "grace" not in (tmp_path / "users.json").read_text()


def test_fifteen_users_and_no_more(tmp_path: Path) -> None:
    pgood(tmp_path, "init")
    file = tmp_path / "users.json"
    rows = json.loads(file.read_text())
    rows += [{**rows[0], "user_id": number, "name": f"user{number}"} for number in (1, *range(3, 16))]
    file.write_text(json.dumps(rows))
    assert "15 users already" in pgood(tmp_path, "add", "one-more", code=1)


def test_no_password_is_ever_logged(tmp_path: Path) -> None:
    """Also not by a verbose agent whose users are changed over IPMI."""
    demo = start_demo(tmp_path / "state", "--verbose")
    demo.ipmitool("user", "set", "name", "7", "heidi")
    demo.ipmitool("user", "set", "password", "7", "never-to-be-seen", "16")
    demo.ipmitool("mc", "info", code=0)
    demo.as_user("heidi", "a-wrong-password").ipmitool("mc", "info", code=1)
    own = demo.ready["ipmi"]["password"]
    code, output = demo.stop()
    assert code == 0
    assert "user 7: password changed by ipmi:admin@127.0.0.1" in output
    told = output.split("Events follow")[1]
    for secret in ("never-to-be-seen", "a-wrong-password", own):
        assert secret not in told
