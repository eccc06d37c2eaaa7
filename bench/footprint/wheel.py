# SPDX-License-Identifier: Apache-2.0
"""The wheel of this tree, built in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
SOURCES = ("agent", "ipmi", "native", "firmware-profiles")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in")


def wheel_kb(folder: Path) -> float:
    """Build it from a copy, so that nothing of an earlier build gets in and nothing is left behind."""
    tree = folder / "tree"
    tree.mkdir()
    made = shutil.ignore_patterns("__pycache__", "*.so", "*.o", "_core.c", "_frame.c")
    for name in SOURCES:
        shutil.copytree(TREE / name, tree / name, ignore=made)
    for name in FILES:
        shutil.copy(TREE / name, tree / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(tree)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    (wheel,) = folder.glob("*.whl")
    return wheel.stat().st_size / 1000
