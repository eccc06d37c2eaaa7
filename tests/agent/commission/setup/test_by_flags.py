# SPDX-License-Identifier: Apache-2.0
"""`pgood setup` without a question: every answer is a flag, and what is missing or wrong is named."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent.control.client import call
from agent.mqtt.url import parse_url
from agent.profile.load import load_profile, load_site, shipped_profiles
from tests.agent.commission.setup.fake_board import WRITES, build, main
from tests.agent.commission.setup.fake_board import __file__ as fake_board
from tests.scenarios.played_agent import PlayedAgent


class Installation:
    """A fake board with places of its own for the site file and the state."""

    def __init__(self, folder: Path, model: str) -> None:
        self.root = build(folder / "root", model)
        self.site = folder / "etc/pgood.toml"
        self.state = folder / "state"
        self.password = folder / "password"
        self.password.write_text("kept secret\n")

    def setup(self, *words: str, code: int = 0, user: bool = True) -> str:
        """What it printed."""
        named = ["--user", "admin", "--password-file", str(self.password)] if user else []
        places = ["--site", str(self.site), "--state-dir", str(self.state), "--no-input"]
        screen = io.StringIO()
        with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            ended = main(self.root, ["setup", *places, *named, *words])
        told = screen.getvalue()
        assert ended == code, told
        assert "kept secret" not in told
        assert not (self.root / WRITES).exists()
        return told

    def users(self) -> list[tuple[str, str]]:
        rows = json.loads((self.state / "users.json").read_text())
        return [(row["name"], row["password"]) for row in rows]


@pytest.fixture
def pi(tmp_path: Path) -> Installation:
    return Installation(tmp_path, "Raspberry Pi 5 Model B Rev 1.0")


@pytest.fixture
def pc(tmp_path: Path) -> Installation:
    return Installation(tmp_path, "")


def test_the_shortest_setup(pi: Installation) -> None:
    told = pi.setup()
    site = load_site(pi.site)
    assert site.board.profile == "raspberry-pi-atx"
    assert (site.ipmi.listen, site.mqtt.url) == ((), "")
    assert pi.users() == [("admin", "kept secret")]
    assert (pi.state / "users.json").stat().st_mode & 0o777 == 0o600
    assert not (pi.state / "armed").exists()
    for step in ("pgood check raspberry-pi-atx", "pgood run --config", "pgood wire 0", "pgood arm"):
        assert step in told


def test_everything_by_flags(pi: Installation, tmp_path: Path) -> None:
    (tmp_path / "mqtt").write_text("kept secret too\n")
    pi.setup(
        *("--profile", "raspberry-pi-quad", "--ipmi", "192.0.2.1:623,[2001:db8::1]:700", "--node", "rack-1"),
        *("--mqtt", "mqtts://broker.example", "--mqtt-user", "pgood", "--mqtt-password-file", str(tmp_path / "mqtt")),
        *("--mqtt-ca", "/etc/passwd", "--mqtt-untested", "--bus", "1", "--supply-address", "0x58-0x5f"),
    )
    site = load_site(pi.site)
    assert site.board.id == "rack-1"
    assert site.ipmi.listen == ("192.0.2.1:623", "[2001:db8::1]:700")
    assert site.ipmi.hosts["3"].listen == ("192.0.2.1:626", "[2001:db8::1]:703")
    assert site.mqtt.url == "mqtts://pgood@broker.example:8883"
    assert site.mqtt.ca_file == "/etc/passwd"  # any file that a service may see
    secret = Path(site.mqtt.password_file)
    assert secret.read_text() == "kept secret too\n"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert "kept secret" not in pi.site.read_text()
    profile = load_profile(Path(site.board.profile))
    assert [(supply.address, supply.rated_w) for supply in profile.supplies] == [(0x58, 550.0)]
    assert profile.buses["supplies"].number == 1
    assert len(profile.hosts) == 4


def test_a_supply_that_does_not_tell_its_power(pi: Installation) -> None:
    told = pi.setup("--supply-address", "0x60,0x58", "--bus", "1", "--supply-rated-w", "460")
    assert "0x60: a supply that does not tell its model" in told
    profile = load_profile(pi.site.parent / "board.toml")
    assert [(supply.name, supply.address, supply.rated_w) for supply in profile.supplies] == [
        ("1", 0x58, 550.0),
        ("2", 0x60, 460.0),
    ]


def test_again_changes_nothing(pi: Installation) -> None:
    pi.setup("--ipmi", "192.0.2.1:623")
    before = pi.site.read_text()
    told = pi.setup(user=False)
    assert "Nothing is to be changed" in told
    assert pi.site.read_text() == before
    assert list(pi.site.parent.iterdir()) == [pi.site]


def test_a_site_file_keeps_its_words_and_a_backup(pi: Installation) -> None:
    pi.site.parent.mkdir()
    written = '# mine\n[policy]\nrestore = "previous"  # as before\n\n[ipmi.hosts.1]\nlisten = []\n'
    pi.site.write_text(written)
    pi.site.chmod(0o640)
    told = pi.setup("--profile", "raspberry-pi-quad", "--ipmi", "192.0.2.1:623")
    assert '+profile = "raspberry-pi-quad"' in told
    text = pi.site.read_text()
    assert text.startswith('# mine\n[policy]\nrestore = "previous"  # as before\n')
    assert (pi.site.parent / "pgood.toml.1.bak").read_text() == written
    assert {file.stat().st_mode & 0o777 for file in pi.site.parent.iterdir()} == {0o640}
    pi.setup("--ipmi", "192.0.2.2:623", user=False)
    assert (pi.site.parent / "pgood.toml.1.bak").read_text() == written
    assert (pi.site.parent / "pgood.toml.2.bak").read_text() == text


def test_a_dry_run_writes_nothing(pi: Installation) -> None:
    told = pi.setup("--dry-run", "--ipmi", "192.0.2.1:623")
    assert '+listen = ["192.0.2.1:623"]' in told
    assert "IPMI user admin: is made" in told
    assert not pi.site.parent.exists()
    assert not pi.state.exists()


def test_beside_a_running_agent_the_agent_makes_the_user(pc: Installation) -> None:
    pc.setup("--profile", "sim")
    with PlayedAgent("sim", pc.state) as agent:
        told = pc.setup("--user", "second", "--mqtt", "mqtt://127.0.0.1:1", "--mqtt-untested")
        assert "user second: made" in told
        names = [user["name"] for user in call(pc.state / "pgood.sock", "users")]
        assert names == ["admin", "second"]
        assert "Traceback" not in agent.log
    assert [name for name, _ in pc.users()] == ["admin", "second"]


def test_another_password_for_a_known_user(pi: Installation) -> None:
    pi.setup()
    pi.password.write_text("another")
    assert "another password" in pi.setup()
    assert pi.users() == [("admin", "another")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--profile", "nothing"), "--profile: nothing: no such profile file"),
        (("--ipmi", "192.0.2.1:99999"), "--ipmi: '192.0.2.1:99999' is no address"),
        (("--ipmi", "192.0.2.1:0"), "a port from 1 to 65000"),
        (("--ipmi", "yes"), "--ipmi: 'yes' is no IP address: write for example 0.0.0.0:623"),
        (("--supply-address", "0x60", "--bus", "1"), "--supply-rated-w is missing: Rated power of the supply at 0x60"),
        (("--supply-address", "0x60", "--bus", "1", "--supply-rated-w", "0"), "--supply-rated-w: '0' is no power"),
        (("--node", "a.b"), "--node: 'a.b' is no id"),
        (("--user", "two words"), "--user: a name has 1 to 16 printable ASCII characters"),
        (("--password-file", "/nowhere"), "--password-file: /nowhere cannot be read"),
        (("--mqtt", "http://a"), "--mqtt: MQTT broker URL 'http://a': http:// is not served"),
        (("--mqtt", "mqtt://u:p@a"), "carries a password"),
        (("--mqtt", "mqtt://a", "--mqtt-ca", "/nowhere"), "write mqtts://"),
        (("--mqtt", "mqtts://a", "--mqtt-ca", "/nowhere"), "--mqtt-ca: /nowhere cannot be read"),
        (("--mqtt", "mqtt://a", "--mqtt-password-file", "/nowhere"), "--mqtt-user is missing"),
        (("--supply-address", "0x58", "--bus", "7"), "--bus: there is no /dev/i2c-7 (buses here: 1)"),
        (("--supply-address", "0x59", "--bus", "1"), "no supply answers on bus 1 at 0x59"),
        (("--supply-address", "0x58", "--profile", "sim"), "is simulated, and has its own supplies"),
        (("--supply-address", "99"), "--supply-address: '99' is no address"),
        (("--mqtt", "mqtt://a", "--mqtt-user", "x" * 300, "--mqtt-untested"), "is empty or not printable"),
        (("--chip", "other", "--profile", "sim", "--supply-address", "0x58"), "is simulated"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(pi: Installation, words: tuple[str, ...], told: str) -> None:
    assert told in pi.setup(*words, code=2)
    assert not pi.site.parent.exists()
    assert not pi.state.exists()


def test_what_is_missing_is_named(pc: Installation) -> None:
    assert "--profile is missing" in pc.setup(code=2)
    assert "--user is missing" in pc.setup("--profile", "sim", code=2, user=False)
    assert "--password-file is missing" in pc.setup("--profile", "sim", "--user", "a", code=2, user=False)


def test_a_chip_that_is_not_here_is_told_and_another_may_be_named(pc: Installation) -> None:
    told = pc.setup("--profile", "raspberry-pi-atx", "--dry-run")
    assert "no GPIO chip pinctrl-rp1 or pinctrl-bcm2711 or pinctrl-bcm2835 is here now" in told
    pc.setup("--profile", "raspberry-pi-atx", "--chip", "my-expander")
    profile = Path(load_site(pc.site).board.profile)
    assert profile == pc.site.parent / "board.toml"
    assert load_profile(profile).chips["header"].labels == ("my-expander",)
    assert profile.read_text().startswith("# Made by 'pgood setup' from the profile raspberry-pi-atx")


def test_files_that_a_service_cannot_see_are_copied(pi: Installation, tmp_path: Path) -> None:
    mine, ca_file = tmp_path / "mine.toml", tmp_path / "ca.pem"
    mine.write_text(shipped_profiles()["sim"].read_text())
    ca_file.write_text("a certificate")
    words = ("--profile", str(mine), "--mqtt", "mqtts://broker.example", "--mqtt-ca", str(ca_file), "--mqtt-untested")
    pi.setup(*words)
    site = load_site(pi.site)
    assert site.board.profile == str(pi.site.parent / "board.toml")
    assert site.mqtt.ca_file == str(pi.site.parent / "mqtt-ca.pem")
    assert Path(site.mqtt.ca_file).read_text() == "a certificate"
    assert mine.read_text() in Path(site.board.profile).read_text()
    assert "Nothing is to be changed" in pi.setup(user=False)
    pi.setup("--mqtt", "none", user=False)
    assert (load_site(pi.site).mqtt.url, load_site(pi.site).mqtt.ca_file) == ("", "")


def test_a_user_with_special_characters(pi: Installation) -> None:
    pi.setup("--mqtt", "mqtt://broker.example", "--mqtt-user", "a@b:c d", "--mqtt-untested")
    assert parse_url(load_site(pi.site).mqtt.url).user == "a@b:c d"


def test_a_key_that_the_new_broker_cannot_have_is_told(pi: Installation) -> None:
    pi.site.parent.mkdir()
    pi.site.write_text('[mqtt]\nurl = "mqtts://a"\nserver_name = "b"\n')
    assert "mqtt.server_name is given and mqtt://a:1883 does not use TLS" in pi.setup(
        "--mqtt", "mqtt://a", "--mqtt-untested", code=2
    )


def test_a_profile_beside_the_site_file_may_be_named_shortly(pi: Installation) -> None:
    pi.site.parent.mkdir()
    (pi.site.parent / "mine.toml").write_text(shipped_profiles()["sim"].read_text())
    pi.site.write_text('[board]\nprofile = "mine.toml"\n')
    pi.setup("--ipmi", "192.0.2.1:623")
    assert load_site(pi.site).board.profile == str(pi.site.parent / "mine.toml")


def test_a_broken_site_file_is_left_alone(pi: Installation) -> None:
    pi.site.parent.mkdir()
    pi.site.write_text("[ipmi]\nlissten = []\n")
    assert "did you mean 'listen'?" in pi.setup(code=2)
    pi.site.write_text("[ipmi\n")
    assert "is not valid TOML" in pi.setup(code=2)
    assert pi.site.read_text() == "[ipmi\n"
    assert not pi.state.exists()


def test_a_site_file_in_another_form_is_left_alone(pi: Installation) -> None:
    pi.site.parent.mkdir()
    pi.site.write_text("ipmi.listen = []\n")
    assert 'ipmi.listen is written in a way that is not changed here: set it to ["192.0.2.1:623"] yourself' in pi.setup(
        "--ipmi", "192.0.2.1:623", code=2
    )
    assert pi.site.read_text() == "ipmi.listen = []\n"


def test_without_a_terminal_it_says_what_to_do(pi: Installation) -> None:
    done = subprocess.run(
        [sys.executable, fake_board, str(pi.root), "setup", "--site", str(pi.site), "--state-dir", str(pi.state)],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert "give the answers as flags, and --no-input" in done.stderr
