# SPDX-License-Identifier: Apache-2.0
"""Root's commands on the state of a service that is not root's: files are made as those of the service's user."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def foreign_owner(folder: Path) -> str | None:
    """The user that owns a folder, if this process is root and the folder is not root's; None otherwise."""
    if os.geteuid() != 0 or not folder.is_dir():
        return None
    uid = folder.stat().st_uid
    if uid == 0:
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def become_owner(folder: Path) -> None:
    """Go on as the user that owns the folder, if root was called to change what is in it. There is no way back."""
    name = foreign_owner(folder)
    if name is None:
        return
    user = pwd.getpwnam(name)
    os.initgroups(name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
