# SPDX-License-Identifier: Apache-2.0
"""`pgood fleet` on a real broker with a running agent: what it shows, live and once, and targets that it sets."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.board.fleet.rig import HOST
from tests.agent.mqtt.brokers import PATIENCE_S, Mosquitto, retained
from tests.clients.demo import PGOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.client

SITE = """\
[board]
id = "b1"
[mqtt]
url = "{url}"
[fleet]
segment = "hall"
[fleet.hosts.0]
node = "db1"
"""


class Fleet:
    """A broker, and a board whose host is the node db1."""

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder)
        self.broker.start()
        self.site = folder / "site.toml"
        self.site.write_text(SITE.format(url=self.broker.url))
        (folder / "machine.toml").write_text(HOST)
        words = ["run", "--profile", str(folder / "machine.toml"), "--config", str(self.site)]
        self.agent = subprocess.Popen([PGOOD, *words, "--state-dir", str(folder / "state")], stderr=subprocess.DEVNULL)

    def close(self) -> None:
        self.agent.send_signal(signal.SIGTERM)
        self.agent.wait(20)
        self.broker.kill()

    def pgood(self, *more: str, code: int = 0) -> str:
        """By the site file's own table [mqtt]."""
        done = subprocess.run(
            [PGOOD, "fleet", *more, "--config", str(self.site)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == code, (more, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def until(self, **wanted: object) -> dict[str, Any]:
        """The row of db1, when it says this."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            rows: list[dict[str, Any]] = json.loads(self.pgood("--json", "--listen", "1"))["nodes"]
            if rows and wanted.items() <= rows[0].items():
                return rows[0]
            assert time.monotonic() < until_s, (rows, wanted)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.close()


def test_a_target_is_set_followed_and_shown(fleet: Fleet) -> None:
    fleet.until(node="db1", segment="hall", state="off", target="")
    assert "db1 is to be up (revision 1)" in fleet.pgood("target", "db1", "up", "--reason", "a test")
    fleet.until(state="on", target="up")
    assert "(revision 2)" in fleet.pgood("target", "db1", "down")
    fleet.until(state="off", target="down")
    assert not [topic for topic in retained(fleet.broker.port) if "/client/pgood-fleet" in topic]


def test_the_live_view_is_drawn_again_and_ends_with_ctrl_c(fleet: Fleet) -> None:
    fleet.until(node="db1")
    ours, theirs = pty.openpty()
    view = subprocess.Popen([PGOOD, "fleet", "--url", fleet.broker.url], stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    shown, until_s = b"", time.monotonic() + PATIENCE_S
    while shown.count(b"\x1b[H\x1b[J") < 3 or b"db1" not in shown:
        assert select.select([ours], [], [], PATIENCE_S)[0], shown
        assert time.monotonic() < until_s, shown
        shown += os.read(ours, 4096)
    view.send_signal(signal.SIGINT)
    _, complaints = view.communicate(timeout=20)
    os.close(ours)
    assert (view.returncode, complaints) == (130, b"")


def test_what_cannot_be_a_target_is_said(fleet: Fleet) -> None:
    for words, said in (
        (["nobody", "up"], "if it is new, name its segment with --segment"),
        (["a/b", "up"], "is no name in a fleet"),
        (["db1", "up", "--segment", "#"], "is no name in a fleet"),
        (["db1", "up", "--reason", "x" * 301], "300 characters"),
    ):
        assert said in fleet.pgood("target", *words, code=2)


def test_without_a_broker_the_reason_is_told(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    empty = tmp_path / "empty.toml"
    empty.write_text("[board]\n")
    for words, code, said in (
        (["--url", broker.url, "--once"], 1, "Connection refused"),
        (["--url", "nonsense"], 2, "nonsense"),
        (["--url", broker.url, "--listen", "nan"], 2, "is a number"),
        (["--url", broker.url, "--listen=-1"], 2, "are seconds"),
        (["--config", str(empty)], 2, "mqtt"),
        (["--config", str(tmp_path / "none.toml")], 2, "cannot be read"),
    ):
        done = subprocess.run([PGOOD, "fleet", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == code, (words, done)
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_who_may_set_targets_is_the_brokers_word(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text(encoding="utf-8")
    rules = re.search(r"```text\n(user owner\n.*?)```", page, re.DOTALL)
    assert rules is not None
    acl, passwords = tmp_path / "acl", tmp_path / "passwd"
    acl.write_text(f"{rules[1]}\nuser guest\ntopic read pgood/fleet/#\n", encoding="utf-8")
    for at, user in enumerate(("owner", "guest")):
        words = ["mosquitto_passwd", *([] if at else ["-c"]), "-b", str(passwords), user, f"secret of {user}"]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
    for file in (acl, passwords):
        file.chmod(0o600)
    settings = ("allow_anonymous false", f"acl_file {acl}", f"password_file {passwords}")
    broker = Mosquitto(tmp_path, settings)
    broker.start(probe=False)

    def pgood(user: str, password: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "secret").write_text(password)
        (tmp_path / "secret").chmod(0o600)
        site = tmp_path / "site.toml"
        url = broker.url.replace("mqtt://", f"mqtt://{user}@")
        site.write_text(f'[mqtt]\nurl = "{url}"\npassword_file = "{tmp_path}/secret"\n')
        words = [PGOOD, "fleet", "target", "bee", "up", "--segment", "hall", "--config", str(site)]
        return subprocess.run(words, capture_output=True, text=True, timeout=120)

    try:
        done = pgood("owner", "secret of owner")
        assert (done.returncode, "revision 1" in done.stdout) == (0, True), done
        assert "the broker keeps the target for it" in done.stdout
        denied = pgood("guest", "secret of guest")
        assert (denied.returncode, "may this user write" in denied.stderr) == (1, True), denied
        wrong = pgood("owner", "secret of guest")
        assert wrong.returncode == 1
        assert "secret of guest" not in wrong.stdout + wrong.stderr
    finally:
        broker.kill()
