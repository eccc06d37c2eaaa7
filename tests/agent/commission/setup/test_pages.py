# SPDX-License-Identifier: Apache-2.0
"""docs/setup.md, docs/boards.md, docs/parts.md and the wiring picture say what the program does."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.main import parser
from agent.commission.setup.board_model import KNOWN_BOARDS
from agent.profile.header_pins import header_pin
from agent.profile.load import load_profile, shipped_profiles

ROOT = Path(__file__).parents[4]
DOCS = ROOT / "docs"
ONE_PC = ("raspberry-pi-atx", "orange-pi-atx", "rock-atx")


def page(name: str) -> str:
    return (DOCS / name).read_text()


def flags() -> set[str]:
    """Every flag of `pgood setup`."""
    verbs = next(action for action in parser(["setup"])._actions if isinstance(action, argparse._SubParsersAction))
    return {flag for action in verbs.choices["setup"]._actions for flag in action.option_strings} - {"-h", "--help"}


def test_every_flag_is_on_the_page_and_no_other() -> None:
    told = set(re.findall(r"`(--[a-z-]+)", page("setup.md")))
    assert told - {"--config"} == flags()


MESSAGES = re.findall(r"^\| `([^`]+)` \|", page("setup.md").partition("## What it says")[2], re.MULTILINE)


def test_there_are_messages() -> None:
    assert len(MESSAGES) >= 10


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_of_the_page_are_in_the_program(message: str) -> None:
    code = "".join(file.read_text() for file in (ROOT / "agent").rglob("*.py"))
    for part in re.split(r"/dev/gpiochip0|pinctrl-rp1 or \.\.\. | 1$", message):
        assert part.strip() in code, part


def test_every_known_board_is_on_the_page() -> None:
    text = page("boards.md")
    for board in KNOWN_BOARDS:
        assert f"`{board.profile}`" in text
    for name in ONE_PC:
        for chip in load_profile(shipped_profiles()[name]).chips.values():
            for label in chip.labels:
                assert f"| `{label}` |" in text, label


def test_the_table_of_pins_is_that_of_the_profiles() -> None:
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (\S+) \| (\S+) \((\d+)\) \| (\S+) \|", page("boards.md"), re.MULTILINE)
    told = {int(pin): (pi, f"{letter} {offset}", rock) for pin, pi, letter, offset, rock in rows}
    used: dict[int, list[str]] = {}
    for name in ONE_PC:
        profile = load_profile(shipped_profiles()[name])
        for line in profile.lines.values():
            pin = header_pin(profile, line)
            assert pin is not None
            used.setdefault(pin.pin, []).append(line.line or f"{pin.gpio} {line.offset}")
    assert told == {pin: tuple(names) for pin, names in used.items()}


def test_an_orange_pi_line_is_its_letter_and_number() -> None:
    profile = load_profile(shipped_profiles()["orange-pi-atx"])
    for line in profile.lines.values():
        pin = header_pin(profile, line)
        assert pin is not None
        letter, number = re.fullmatch(r"P([A-Z])(\d+)", str(pin.gpio)).groups()  # type: ignore[union-attr]
        assert line.offset == 32 * (ord(letter) - ord("A")) + int(number)


def test_the_picture_is_that_of_the_profile() -> None:
    command = [sys.executable, str(ROOT / "tools/wiring_picture.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_lead_somewhere() -> None:
    for name in ("setup.md", "boards.md", "parts.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name)):
            assert (DOCS / target).exists(), f"{name}: {target}"
