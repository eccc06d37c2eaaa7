# SPDX-License-Identifier: Apache-2.0
"""Writes the scripts that a guest runs: its simulated hardware, and the job."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.engine import BuiltKernel, Engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.lab.options import GuestOptions

INIT = Path(__file__).parent / "guest-init"

# "_" and TERM belong to the shell and the terminal that the guest does not have.
NOT_INHERITED = frozenset({"_", "TERM"})


class RunFolder:
    """The folder on the host through which one guest and its caller talk. `box` is the part that the guest writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.init = path / "init"
        self.console = path / "console"
        self.box = path / "box"
        self.stdout = self.box / "stdout"
        self.stderr = self.box / "stderr"
        self.began = self.box / "began"
        self.exit_code = self.box / "exit"

    def fill(self, options: GuestOptions, built: BuiltKernel, environment: Mapping[str, str]) -> None:
        """Write everything that the guest reads."""
        self.box.mkdir()
        self.stdout.touch()
        self.stderr.touch()
        shutil.copy(INIT, self.init)
        _write(self.path / "hardware", *_mounts(options, built, self.box), *_gpio_chips(options), *_modules(options))
        _write(self.path / "job", *_job(options, environment))


def shares(options: GuestOptions, box: Path) -> tuple[Path, ...]:
    """The folders that host and guest both see and write."""
    return (box, *options.writable)


def _write(script: Path, *lines: str) -> None:
    # An environment may hold bytes that are no text; they pass through unchanged.
    script.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")


def _mounts(options: GuestOptions, built: BuiltKernel, box: Path) -> Iterator[str]:
    for number, folder in enumerate(shares(options, box)):
        quoted = shlex.quote(str(folder))
        if options.engine is Engine.UML:
            yield f"$busybox mount -t hostfs -o {quoted} none $root{quoted}"
        else:
            nine = "trans=virtio,version=9p2000.L,cache=none,msize=262144"
            yield f"$busybox mount -t 9p -o {nine} share{number} $root{quoted}"
    yield f"$busybox mount -o bind {shlex.quote(str(built.modules))} $root/lib/modules"
    if options.disk:
        yield "$busybox mkdir -p $root/mnt/disk"
        yield "$busybox mount -t ext4 $root/dev/ubda $root/mnt/disk"


def _gpio_chips(options: GuestOptions) -> Iterator[str]:
    for number, names in enumerate(options.gpio_chips):
        chip = f"$root/sys/kernel/config/gpio-sim/chip{number}"
        yield f"$busybox mkdir -p {' '.join(f'{chip}/bank0/line{offset}' for offset in range(len(names)))}"
        yield f"echo {len(names)} >{chip}/bank0/num_lines"
        yield f"echo lab{number} >{chip}/bank0/label"
        for offset, name in enumerate(names):
            if name:
                yield f"echo {shlex.quote(name)} >{chip}/bank0/line{offset}/name"
        yield f"echo 1 >{chip}/live"


def _modules(options: GuestOptions) -> Iterator[str]:
    modules = list(options.modules)
    if options.i2c_addresses:
        addresses = ",".join(f"{address:#04x}" for address in options.i2c_addresses)
        modules.insert(0, f"i2c-stub chip_addr={addresses} functionality=0xffffffff")
    for module in modules:
        yield f"$busybox chroot $root /sbin/modprobe {module}"


def _job(options: GuestOptions, environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        # HWLAB names belong to the guest: a lab started inside a lab must not inherit the outer one's.
        if name.isidentifier() and name not in NOT_INHERITED and not name.startswith("HWLAB"):
            yield f"export {name}={shlex.quote(value)}"
    yield f"cd {shlex.quote(os.fspath(options.working_directory))} || exit 126"
    yield f"exec {shlex.join(options.command)}"
