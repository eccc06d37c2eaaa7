# SPDX-License-Identifier: Apache-2.0
"""The kinds of guest there are, and where the kernel built for each is kept."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from pathlib import Path


class Engine(enum.Enum):
    """How the guest's kernel is executed."""

    UML = "uml"
    """User-mode Linux: the kernel is one process of the host. One CPU, boots in well under a second."""

    QEMU = "qemu"
    """A virtual PC with two CPUs; needs hardware virtualisation to be quick."""

    @property
    def architecture(self) -> str:
        """The word that the kernel's build calls it."""
        return {Engine.UML: "um", Engine.QEMU: "x86_64"}[self]

    @property
    def image(self) -> str:
        """The build target that is the bootable kernel, which is also the name of the file."""
        return {Engine.UML: "linux", Engine.QEMU: "vmlinux"}[self]


def cache_root() -> Path:
    """The folder of everything that was built: $PGOOD_LAB_CACHE, or ~/.cache/pgood-lab."""
    return Path(os.environ.get("PGOOD_LAB_CACHE", "~/.cache/pgood-lab")).expanduser().absolute()


@dataclass(frozen=True, slots=True)
class BuiltKernel:
    """A guest kernel in the cache. It appears there by one rename: what exists is complete."""

    engine: Engine
    root: Path

    @property
    def kernel(self) -> Path:
        return self.root / "kernel"

    @property
    def modules(self) -> Path:
        """What the guest sees as /lib/modules."""
        return self.root / "lib" / "modules"

    @property
    def recipe(self) -> Path:
        """Holds the fingerprint of the recipe that it was built from."""
        return self.root / "recipe"


def built_kernel(engine: Engine) -> BuiltKernel:
    """Where the kernel of `engine` is, or will be."""
    return BuiltKernel(engine, cache_root() / engine.value)
