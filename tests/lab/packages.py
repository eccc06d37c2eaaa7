# SPDX-License-Identifier: Apache-2.0
"""The Debian packages that the lab builds with and boots with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.lab.engine import Engine
from tests.lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Debian's releases and the kernel source that each of them carries; the newest that the machine offers is taken.
SOURCES = ("linux-source-6.12", "linux-source-6.1")

BUILD = ("gcc", "libc6-dev", "make", "flex", "bison", "bc", "xz-utils", "kmod", "busybox-static", "libelf-dev")
RUN = {Engine.UML: (), Engine.QEMU: ("qemu-system-x86",)}


def install(engines: Sequence[Engine]) -> None:
    """Install what is missing for building and running `engines`, saying so.

    Raises LabError where that cannot be done (no Debian with a known kernel source, no way to become root).
    """
    wanted = [*BUILD, *(package for engine in engines for package in RUN[engine])]
    missing = [package for package in wanted if not _installed(package)]
    if not any(_installed(source) for source in SOURCES):
        missing.append(_offered_source())
    if not missing:
        return
    print(f"lab: installing {' '.join(missing)}: to build the guest's kernel", file=sys.stderr, flush=True)
    if _apt("install", "-y", "--no-install-recommends", *missing) != 0:
        _apt("update")
        if _apt("install", "-y", "--no-install-recommends", *missing) != 0:
            raise LabError(f"apt-get could not install {' '.join(missing)}; see its message above")


def _installed(package: str) -> bool:
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    answer = subprocess.run(query, capture_output=True, check=False)
    return answer.returncode == 0 and answer.stdout == b"installed"


def _offered_source() -> str:
    for attempt in range(2):
        for source in SOURCES:
            if subprocess.run(["apt-cache", "show", source], capture_output=True, check=False).returncode == 0:
                return source
        if attempt == 0:
            _apt("update")
    raise LabError(
        f"this machine offers none of {', '.join(SOURCES)}: build the lab's kernel on Debian 12 or 13 "
        "and copy it here (~/.cache/pgood-lab)"
    )


def _apt(*arguments: str) -> int:
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", *arguments]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None or subprocess.run(["sudo", "-n", "true"], check=False).returncode != 0:
            raise LabError(f"cannot become root for: apt-get {' '.join(arguments)}; run that yourself, or allow sudo")
        command = ["sudo", "-n", *command]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
