# SPDX-License-Identifier: Apache-2.0
"""Builds the guest's kernel, once, into the cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import kernel_source
from tests.lab.engine import BuiltKernel, Engine, cache_root

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
CONFIG = HERE / "guest.config"

# To be raised when a change of this module or of kernel_source makes a different kernel.
RECIPE_VERSION = 1


def fingerprint() -> str:
    """Changes whenever a kernel built from this recipe could come out differently."""
    ingredients = CONFIG.read_bytes() + kernel_source.XSTATE.read_bytes()
    return f"{RECIPE_VERSION}-{hashlib.sha256(ingredients).hexdigest()}"


def is_current(built: BuiltKernel) -> bool:
    """Whether the cache holds the kernel that this recipe makes."""
    try:
        return built.recipe.read_text(encoding="ascii").strip() == fingerprint()
    except FileNotFoundError:
        return False


def build(built: BuiltKernel) -> None:
    """Build the kernel into the cache unless it is there; of several callers at a time one builds, the others wait."""
    cache_root().mkdir(parents=True, exist_ok=True)
    with (cache_root() / f"{built.engine.value}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current(built):
            return
        print(f"lab: building the {built.engine.value} kernel (once, some minutes)", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=cache_root()) as work:
            tree, result = Path(work, "tree"), Path(work, "result")
            tree.mkdir()
            result.mkdir()
            kernel_source.unpack(tree, built.engine)
            refused = _configure(tree, built.engine)
            _compile(tree, result, built.engine)
            (result / built.recipe.name).write_text(fingerprint() + "\n", encoding="ascii")
            shutil.rmtree(built.root, ignore_errors=True)
            result.rename(built.root)
    missing = " ".join(refused) or "none"
    print(f"lab: kernel ready in {built.root}; options it does not offer: {missing}", file=sys.stderr)


def _wanted_options(engine: Engine) -> Iterator[str]:
    """The lines of a kernel configuration that guest.config asks for."""
    section = ""
    for line in CONFIG.read_text(encoding="ascii").splitlines():
        words = line.partition("#")[0].split()
        if words and words[0].startswith("["):
            section = words[0].strip("[]")
        elif section in ("common", engine.value):
            yield from (f"CONFIG_{word}" if "=" in word else f"CONFIG_{word}=y" for word in words)


def _configure(tree: Path, engine: Engine) -> list[str]:
    """Write the configuration; returns the wanted options that this kernel does not have."""
    wanted = list(_wanted_options(engine))
    (tree / "lab.config").write_text("\n".join(wanted) + "\n", encoding="ascii")
    _make(tree, engine, "tinyconfig")
    subprocess.run(
        ["scripts/kconfig/merge_config.sh", "-m", ".config", "lab.config"],
        cwd=tree,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    _make(tree, engine, "olddefconfig")
    written = set((tree / ".config").read_text(encoding="utf-8").splitlines())
    return sorted(set(wanted) - written)


def _compile(tree: Path, result: Path, engine: Engine) -> None:
    _make(tree, engine, engine.image, "modules")
    _make(tree, engine, "modules_install", f"INSTALL_MOD_PATH={result}", "INSTALL_MOD_STRIP=1")
    subprocess.run(["strip", "-g", "-o", result / "kernel", tree / engine.image], check=True)


def _make(tree: Path, engine: Engine, *targets: str) -> None:
    jobs = len(os.sched_getaffinity(0))
    # An ordinary x86 kernel contains no vector code; the build of user-mode Linux does not see to that by itself.
    command = ["make", "-s", f"ARCH={engine.architecture}", "KCFLAGS=-fno-tree-vectorize", f"-j{jobs}", *targets]
    subprocess.run(command, cwd=tree, stdout=subprocess.DEVNULL, check=True)
