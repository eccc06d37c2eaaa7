# SPDX-License-Identifier: Apache-2.0
"""What binds every test: none touches real hardware, and none is judged by its speed.

`make test` on a board that is wired to a machine must be harmless (device_guard.py), and must say the same of the same
tree twice: hypothesis tries the same examples each time. The long runs set PGOOD_EXAMPLES and try other ones.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

GUARD_FOLDER = str(Path(__file__).parent / "device_guard")
sys.path.insert(0, GUARD_FOLDER)

import device_guard  # noqa: E402  (its folder has to be found first; the same one guards the processes tests start)
from hypothesis import HealthCheck, settings  # noqa: E402  (nothing is imported before the guard stands)

device_guard.install()

settings.register_profile(
    "pgood",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="PGOOD_EXAMPLES" not in os.environ,
)
settings.load_profile("pgood")


def _append(variable: str, *folders: str) -> None:
    os.environ[variable] = os.pathsep.join([*filter(None, [os.environ.get(variable)]), *folders])


_append("PYTHONPATH", GUARD_FOLDER)

# Debian keeps these out of an ordinary user's PATH; FreeIPMI's tools and mosquitto live there.
_append("PATH", "/usr/sbin", "/sbin")
