# SPDX-License-Identifier: Apache-2.0
"""What the agent sees as a service: its unit hides people's own folders from it (ProtectHome=, PrivateTmp=)."""

from __future__ import annotations

import stat
from pathlib import Path

HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))
UNITS = tuple(Path(folder) / "systemd/system/pgood.service" for folder in ("/etc", "/usr/lib", "/lib"))


def hidden_from_service(file: Path) -> bool:
    """Whether a file that we can read is out of the service's sight: it has to be copied then."""
    there = file.resolve()
    if any(there.is_relative_to(folder) for folder in HIDDEN):
        return True
    try:
        open_file = bool(there.stat().st_mode & stat.S_IROTH)
        return not (open_file and all(folder.stat().st_mode & stat.S_IXOTH for folder in there.parents))
    except OSError:
        return True


def is_installed() -> bool:
    """Whether the agent is a service here."""
    return any(unit.exists() for unit in UNITS)
