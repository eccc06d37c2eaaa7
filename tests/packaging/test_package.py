# SPDX-License-Identifier: Apache-2.0
"""What is in a Debian package that was built here (`make deb`), and that its scripts are sound."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "packaging/debian").glob("pgood.p*m")) + sorted((ROOT / "packaging/debian").glob("pgood.p*t"))
FILES = (
    "./usr/bin/pgood",
    "./usr/share/man/man1/pgood.1.gz",
    "./usr/share/bash-completion/completions/pgood",
    "./usr/lib/modules-load.d/pgood.conf",
    "./usr/share/doc/pgood/copyright",
)


@pytest.fixture(scope="module")
def entries() -> dict[str, tuple[str, str]]:
    """Mode and owner of every file in the newest package, by path."""
    built = sorted((ROOT / "dist").glob("pgood_*.deb"), key=lambda file: file.stat().st_mtime)
    if not built or not shutil.which("dpkg-deb"):
        pytest.skip("no package was built here: make deb")
    sources = (file for folder in ("agent", "ipmi", "native", "packaging") for file in (ROOT / folder).rglob("*"))
    if built[-1].stat().st_mtime < max(file.stat().st_mtime for file in sources if file.suffix not in (".pyc", "")):
        pytest.skip(f"{built[-1].name} is older than the sources: make deb")
    told = subprocess.run(["dpkg-deb", "--contents", built[-1]], capture_output=True, text=True, timeout=60, check=True)
    rows = (line.split(None, 5) for line in told.stdout.splitlines())
    return {row[5].partition(" -> ")[0]: (row[0], row[1]) for row in rows}


def test_the_files_of_an_installation(entries: dict[str, tuple[str, str]]) -> None:
    for path in FILES:
        assert path in entries
    services = "/systemd/system/pgood.service", "/systemd/system/pgood-coordinator.service"
    for ending in (*services, "/udev/rules.d/60-pgood.rules"):
        assert len([path for path in entries if path.endswith(ending)]) == 1


def test_every_module_and_profile_of_this_tree(entries: dict[str, tuple[str, str]]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "agent", "ipmi", "native"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = {name for name in listed.stdout.split() if name.endswith(".py") and "/tests/" not in name}
    packed = {path.partition("site-packages/")[2] for path in entries}
    assert modules - packed == {name for name in modules if name.startswith("native/fuzz")}
    assert {f"agent/firmware_profiles/{file.name}" for file in (ROOT / "firmware-profiles").glob("*.toml")} <= packed


def test_root_owns_everything_and_nobody_else_writes(entries: dict[str, tuple[str, str]]) -> None:
    assert {owner for _, owner in entries.values()} == {"root/root"}
    loose = [path for path, (mode, _) in entries.items() if mode[0] != "l" and (mode[5] == "w" or mode[8] == "w")]
    assert loose == []


def test_nothing_is_left_of_the_place_where_it_was_built(entries: dict[str, tuple[str, str]]) -> None:
    assert [path for path in entries if "__pycache__" in path or path.endswith(("direct_url.json", "/activate"))] == []
    assert not any(
        path.startswith("./usr/lib/pgood/bin/") and "python" not in path for path in entries if path[-1] != "/"
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_maintainer_scripts_are_sound_shell_and_let_debhelper_in(script: Path) -> None:
    told = subprocess.run(["sh", "-n", script], capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stderr
    text = script.read_text()
    assert "#DEBHELPER#" in text
    assert "\nset -e\n" in text
