# SPDX-License-Identifier: Apache-2.0
"""Man page and completion say what the command line takes, and completion completes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPLETION = ROOT / "packaging/pgood.bash"


def test_up_to_date() -> None:
    told = subprocess.run(
        [sys.executable, ROOT / "tools/command_pages.py", "--check"], capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 0, told.stdout + told.stderr


def completed(*words: str) -> set[str]:
    words_so_far = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))'
    script = f'. {COMPLETION}; compopt() {{ :; }}; {words_so_far}; _pgood; echo "${{COMPREPLY[@]}}"'
    told = subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=30, check=True, cwd=ROOT
    )
    assert told.stderr == ""
    return set(told.stdout.split())


def test_verbs_and_their_verbs() -> None:
    assert {"run", "setup", "user"} & completed("pgood", "") >= {"run", "user"}
    assert completed("pgood", "us") == {"user"}
    assert {"init", "list", "delete"} <= completed("pgood", "user", "")
    assert completed("pgood", "config", "set", "--st") == {"--state-dir"}


def test_choices_and_options() -> None:
    assert {"on", "cycle", "force-off"} <= completed("pgood", "power", "")
    assert completed("pgood", "run", "--prof") == {"--profile"}


def test_files_after_options_that_take_them() -> None:
    assert "pyproject.toml" in completed("pgood", "run", "--config", "pyproj")


def test_man_finds_nothing_wrong() -> None:
    if not shutil.which("man"):
        pytest.skip("no man here; on Debian it comes with man-db")
    told = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(ROOT / "packaging/pgood.1")],
        capture_output=True,
        timeout=60,
    )
    assert told.returncode == 0
    assert told.stderr == b""
