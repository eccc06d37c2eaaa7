# SPDX-License-Identifier: Apache-2.0
"""Whatever a flag says, setup ends with a sentence or with what it would write; never with a fault of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.cli.failure import Failure
from agent.cli.main import parser
from agent.cli.setup import set_up
from tests.agent.commission.setup.fake_board import PI_4, build, machine

if TYPE_CHECKING:
    import pytest

TEXT_FLAGS = (
    *("--profile", "--chip", "--bus", "--supply-address", "--supply-rated-w", "--ipmi", "--node", "--user"),
    *("--password-file", "--mqtt", "--mqtt-user", "--mqtt-password-file", "--mqtt-ca"),
)
NEARLY = (
    *("sim", "raspberry-pi-atx", "none", "0x58", "0x58-0x60", "1", "0", "-1", "1e999", "nan", "admin", "a b"),
    *("mqtt://a", "mqtts://u@[::1]:8883", "wss://h/p", "unix:///x", "192.0.2.1:623", "[::1]", "fe80::1%eth0", "/", "."),
    *("/dev/null", "/proc/self/mem", "é" * 20, "x" * 5000, "\udcff", "\x1b[2J", "pinctrl-bcm2711"),
)
WORDS = st.one_of(st.sampled_from(NEARLY), st.text(st.characters(exclude_characters="\0"), max_size=30))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_flags=st.dictionaries(st.sampled_from(TEXT_FLAGS), WORDS, max_size=6))
def test_any_text(
    given_flags: dict[str, str], tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path_factory.mktemp("board")
    board = machine(build(root / "pi", PI_4))
    password = root / "password"
    password.write_text("secret")
    words = ["setup", "--no-input", "--dry-run", "--mqtt-untested", "--site", str(root / "etc/pgood.toml")]
    words += ["--state-dir", str(root / "state"), "--user=admin", f"--password-file={password}"]
    words += [f"{flag}={text}" for flag, text in given_flags.items()]
    told = "done"
    try:
        assert set_up(parser(words).parse_args(words), board) == 0
    except Failure as failure:
        told = str(failure)
    assert told
    assert not (root / "etc").exists()
    assert not Path(root / "state").exists()
