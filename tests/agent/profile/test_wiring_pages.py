# SPDX-License-Identifier: Apache-2.0
"""Each shipped profile has a wiring page, its pictures and tables are those of the profile, and pages lead to it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.profile.header_pins import PINS
from agent.profile.load import load_profile, shipped_profiles

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs/wiring"


def test_tables_and_pictures_are_those_of_the_profiles() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/wiring_pages.py", "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_every_pin_of_a_profile_is_on_its_page(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    told = {(int(gpio), int(pin)) for gpio, pin in re.findall(r"^\| (\d+) \| (\d+) \|", page, re.MULTILINE)}
    lines = load_profile(shipped_profiles()[name]).lines.values()
    used = {int(match[1]) for line in lines if (match := re.fullmatch(r"GPIO(\d+)", line.line))}
    assert {(gpio, PINS[gpio].pin) for gpio in used} <= told


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_pages_are_linked(name: str) -> None:
    assert f"(wiring/{name}.md)" in (ROOT / "docs/wiring.md").read_text()


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in (*PAGES.glob("*.md"), ROOT / "docs/wiring.md", ROOT / "docs/simulation.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_table_of_pins_is_that_of_the_wiring_page() -> None:
    """The table that a person reads and the one that the program goes by say the same of pins and pulls."""
    text = (ROOT / "docs/wiring.md").read_text()
    rows = re.findall(r"^\| ([\d, to]+) \| ([\d, ]+) \| (up|down)", text, re.MULTILINE)
    told = {
        (int(gpio), int(pin), pull)
        for gpios, pins, pull in rows
        for gpio, pin in zip(gpios.split(","), pins.split(","), strict=True)
    }
    assert told == {(entry.gpio, entry.pin, entry.pull.value) for entry in PINS.values()}
