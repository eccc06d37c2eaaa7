# SPDX-License-Identifier: Apache-2.0
"""`pgood setup` with a person at the terminal, on a board that is files."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent.profile.load import load_profile, load_site
from tests.agent.commission.setup.fake_board import PI_4, WRITES, build
from tests.agent.commission.setup.fake_board import __file__ as fake_board
from tests.agent.mqtt.brokers import Mosquitto
from tests.clients.person import Person

if TYPE_CHECKING:
    from pathlib import Path


class Desk:
    """A board and somebody in front of it."""

    def __init__(self, folder: Path, model: str = PI_4) -> None:
        self.root = build(folder / "root", model)
        self.site = folder / "etc/pgood.toml"
        self.state = folder / "state"

    def person(self, *words: str) -> Person:
        places = ("--site", str(self.site), "--state-dir", str(self.state))
        return Person(sys.executable, fake_board, str(self.root), "setup", *places, *words)

    def untouched(self) -> bool:
        return not self.site.parent.exists() and not self.state.exists()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def answer(person: Person, *conversation: tuple[str, str | None]) -> None:
    """What is waited for, and what is typed then; None = nothing: a password must not be typed before its question."""
    for question, typed in conversation:
        person.waits_for(question)
        if typed is not None:
            person.types(typed)


TO_THE_USER = (
    ("Profile [raspberry-pi-atx]:", ""),
    ("Look for supplies? [y/N]", ""),
    ("Name of the board", ""),
    ("IPMI listens on [0.0.0.0:623]:", ""),
    ("Name of the user [admin]:", ""),
)


def test_enter_is_enough(desk: Desk) -> None:
    person = desk.person()
    person.waits_for("Raspberry Pi 4 Model B Rev 1.4")
    answer(person, *TO_THE_USER, ("Enter alone: one is made", ""), ("MQTT broker [none]:", ""))
    answer(person, ("Write this? [Y/n]", ""))
    assert person.ends() == 0
    site = load_site(desk.site)
    assert (site.board.profile, site.ipmi.listen) == ("raspberry-pi-atx", ("0.0.0.0:623",))
    assert site.board.id is None
    (user,) = json.loads((desk.state / "users.json").read_text())
    assert person.screen.count(user["password"]) == 1
    assert "only time it is shown" in person.screen
    assert "pgood wire 0" in person.screen
    assert not (desk.root / WRITES).exists()


def test_typing_errors_are_asked_again_and_passwords_never_shown(desk: Desk) -> None:
    person = desk.person()
    answer(
        person,
        ("Profile [raspberry-pi-atx]:", "raspberry"),
        ("no such profile file", "raspberry-pi-atx"),
        ("Look for supplies? [y/N]", "perhaps"),
        ("Please answer yes or no", "y"),
        ("Number of the I2C bus [1]:", "one"),
        ("there is no /dev/i2c-one (buses here: 1)", "1"),
        ("Addresses that may be read [0x58-0x5f]:", "58"),
        ("is no address", "0x58-0x5c"),
        ("Name of the board", "my board"),
        ("is no id", "my-board"),
        ("IPMI listens on", "here:there"),
        ("is no address", "192.0.2.7"),
        ("Name of the user", "a b"),
        ("no space", "carol"),
        ("Enter alone: one is made", "a password of more than twenty bytes"),
        ("1 to 20 bytes", None),
        ("Enter alone: one is made", "not shown"),
        ("Once more:", "not the same"),
        ("The two differ", None),
        ("Enter alone: one is made", "not shown"),
        ("Once more:", "not shown"),
        ("MQTT broker", "broker.example"),
        ("is no URL", "none"),
        ("Write this?", "yes"),
    )
    assert person.ends() == 0
    for found in ("0x58: PGOOD CRPS-550, 550 W", "0x5b: something is there", "0x5c: a kernel driver owns it"):
        assert found in person.screen
    assert "not shown" not in person.screen
    site = load_site(desk.site)
    assert (site.board.id, site.ipmi.listen) == ("my-board", ("192.0.2.7",))
    profile = load_profile(desk.site.parent / "board.toml")
    assert [supply.address for supply in profile.supplies] == [0x58]
    assert json.loads((desk.state / "users.json").read_text())[0]["password"] == "not shown"


@pytest.mark.parametrize("questions", range(len(TO_THE_USER) + 1))
def test_ctrl_c_at_any_question_leaves_nothing(desk: Desk, questions: int) -> None:
    person = desk.person()
    answer(person, *TO_THE_USER[:questions])
    person.waits_for(TO_THE_USER[questions][0] if questions < len(TO_THE_USER) else "Enter alone: one is made")
    person.presses_ctrl_c()
    assert person.ends() == 130
    assert "stopped: nothing was written" in person.screen
    assert desk.untouched()


def test_a_no_at_the_end_writes_nothing(desk: Desk) -> None:
    person = desk.person("--user", "admin", "--password-file", fake_board)
    person.waits_for("Profile")
    person.types("sim")
    person.waits_for("Name of the board")
    person.types("")
    person.waits_for("IPMI listens on")
    person.types("none")
    person.waits_for("one line with the password")
    assert person.ends() == 2
    assert desk.untouched()


def test_not_to_write_is_an_answer(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret")
    person = desk.person(
        *("--user", "admin", "--password-file", str(tmp_path / "password")),
        *("--mqtt", "none", "--ipmi", "none", "--node", "b", "--profile", "sim"),
    )
    answer(person, ("Write this? [Y/n]", "n"))
    assert person.ends() == 2
    assert "nothing was written" in person.screen
    assert desk.untouched()


def test_a_foreign_chip_can_be_chosen(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "Some Other Board")
    (tmp_path / "password").write_text("secret")
    person = desk.person(
        *("--user", "admin", "--password-file", str(tmp_path / "password"), "--mqtt", "none", "--ipmi", "none"),
        *("--node", "b"),
    )
    answer(
        person,
        ("Profile:", "raspberry-pi-atx"),
        ("this machine has: raspberrypi-exp-gpio, other", ""),
    )
    person.waits_for("no GPIO chip pinctrl-rp1 or")
    answer(person, ("Look for supplies?", "n"), ("Write this?", "y"))
    assert person.ends() == 0
    again = desk.person("--mqtt", "none", "--ipmi", "none", "--node", "b", "--profile", "raspberry-pi-atx")
    answer(
        again, ("GPIO chip", "third"), ("is none of", "other"), ("Look for supplies?", "n"), ("Make another one?", "n")
    )
    answer(again, ("Write this?", "y"))
    assert again.ends() == 0
    assert load_profile(desk.site.parent / "board.toml").chips["header"].labels == ("other",)


def test_a_wrong_password_for_the_broker_is_told_and_asked_again(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "alice", "right"], check=True, timeout=30)
    mosquitto = Mosquitto(tmp_path, ["allow_anonymous false", f"password_file {passwords}"])
    mosquitto.start(probe=False)
    url = f"mqtt://alice@127.0.0.1:{mosquitto.port}"
    person = desk.person(
        *("--user", "admin", "--password-file", str(tmp_path / "password"), "--profile", "sim"),
        *("--ipmi", "none", "--node", "b"),
    )
    try:
        answer(
            person,
            ("MQTT broker [none]:", url),
            ("password of alice", "wrong one"),
            ("Once more:", "wrong one"),
            ("check user and password", None),
            ("Take it all the same? [y/N]", ""),
            ("MQTT broker [none]:", url),
            ("password of alice", "right"),
            ("Once more:", "right"),
            ("It works: connected with MQTT 5.0", None),
            ("mqtt-password: the password for the broker; readable by its owner only, not shown", None),
            ("Write this?", ""),
        )
        assert person.ends() == 0
        assert "wrong one" not in person.screen
        again = desk.person("--ipmi", "none", "--node", "b", "--profile", "sim")
        answer(
            again,
            ("Make another one?", ""),
            (f"MQTT broker [{url}]:", ""),
            ("Keep the password in", ""),
            ("It works", None),
            ("Nothing is to be changed", None),
        )
        assert again.ends() == 0
    finally:
        mosquitto.kill()
    assert (desk.site.parent / "mqtt-password").read_text() == "right\n"
