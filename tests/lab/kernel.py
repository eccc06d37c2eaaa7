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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tests.lab import kernel_source
from tests.lab.engine import BuiltKernel, Engine, cache_root
from tests.lab.errors import LabError

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
    name = built.engine.value
    with (cache_root() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current(built):
            return
        log = cache_root() / f"{name}-build.log"
        print(f"lab: building the {name} kernel (once, some minutes); log in {log}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=cache_root()) as work, log.open("w") as log_file:
            result = Path(work, "result")
            result.mkdir()
            refused = _Build(built.engine, Path(work, "tree"), log_file).into(result)
            (result / built.recipe.name).write_text(fingerprint() + "\n", encoding="ascii")
            shutil.rmtree(built.root, ignore_errors=True)
            result.rename(built.root)
    missing = " ".join(refused) or "none"
    print(f"lab: kernel ready in {built.root}; options it does not offer: {missing}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class _Build:
    """One build of a kernel in a source tree of its own; what the tools print goes to `log`."""

    engine: Engine
    tree: Path
    log: TextIO

    def into(self, result: Path) -> list[str]:
        """Fill the folder `result`; returns the wanted options that this kernel does not have."""
        self.tree.mkdir()
        kernel_source.unpack(self.tree, self.engine)
        refused = self._configure()
        self._make(self.engine.image, "modules")
        self._make("modules_install", f"INSTALL_MOD_PATH={result}", "INSTALL_MOD_STRIP=1")
        self._call("strip", "-g", "-o", str(result / "kernel"), self.engine.image)
        return refused

    def _configure(self) -> list[str]:
        wanted = list(_wanted_options(self.engine))
        (self.tree / "lab.config").write_text("\n".join(wanted) + "\n", encoding="ascii")
        self._make("tinyconfig")
        self._call("scripts/kconfig/merge_config.sh", "-m", ".config", "lab.config")
        self._make("olddefconfig")
        written = set((self.tree / ".config").read_text(encoding="utf-8").splitlines())
        return sorted(set(wanted) - written)

    def _make(self, *targets: str) -> None:
        jobs = len(os.sched_getaffinity(0))
        # An ordinary x86 kernel contains no vector code; the build of user-mode Linux does not see to that by itself.
        flags = [f"ARCH={self.engine.architecture}", "KCFLAGS=-fno-tree-vectorize", f"-j{jobs}"]
        self._call("make", "-s", *flags, *targets)

    def _call(self, *command: str) -> None:
        # Started from a Makefile, we must not hand that one's flags down to the kernel's.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        done = subprocess.run(
            command, cwd=self.tree, env=environment, stdout=self.log, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode != 0:
            raise LabError(f"{' '.join(command)} failed with exit code {done.returncode}; see {self.log.name}")


def _wanted_options(engine: Engine) -> Iterator[str]:
    """The lines of a kernel configuration that guest.config asks for."""
    section = ""
    for line in CONFIG.read_text(encoding="ascii").splitlines():
        words = line.partition("#")[0].split()
        if words and words[0].startswith("["):
            section = words[0].strip("[]")
        elif section in ("common", engine.value):
            yield from (f"CONFIG_{word}" if "=" in word else f"CONFIG_{word}=y" for word in words)
