# SPDX-License-Identifier: Apache-2.0
"""Keeps every test away from real hardware: `make test` on a board that is wired to a machine must be harmless."""

from __future__ import annotations

import os
import sys
from pathlib import Path

GUARD_FOLDER = str(Path(__file__).parent / "device_guard")
sys.path.insert(0, GUARD_FOLDER)

import device_guard  # noqa: E402  (its folder has to be found first; the same one guards the processes tests start)

device_guard.install()


def _append(variable: str, *folders: str) -> None:
    os.environ[variable] = os.pathsep.join([*filter(None, [os.environ.get(variable)]), *folders])


_append("PYTHONPATH", GUARD_FOLDER)

# Debian keeps these out of an ordinary user's PATH; FreeIPMI's tools and mosquitto live there.
_append("PATH", "/usr/sbin", "/sbin")
