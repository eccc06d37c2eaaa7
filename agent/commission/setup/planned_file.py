# SPDX-License-Identifier: Apache-2.0
"""A file that setup is going to write: what is in it, who may read it, what changes against the one that is there."""

from __future__ import annotations

import difflib
import os
import pwd
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.store.private import replace_file

if TYPE_CHECKING:
    from pathlib import Path

SERVICE_USER = "pgood"
PUBLIC, PRIVATE = 0o644, 0o600


@dataclass(frozen=True, slots=True)
class Owner:
    """Numbers, as the kernel has them."""

    uid: int
    gid: int


def service_owner() -> Owner | None:
    """The user that the service runs as; None where there is none, or we may not give files away."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return None
    return Owner(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """`what` is a few words for a person. A secret file is private and belongs to the service."""

    path: Path
    content: bytes
    what: str
    secret: bool = False
    made_from: str = ""
    """The text that a new file was made from: what differs from it is shown, not the whole."""

    def before(self) -> bytes | None:
        """What is there now. Raises OSError."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def changes(self) -> bool:
        """Whether writing it would change anything. Raises OSError."""
        return self.before() != self.content

    def difference(self) -> list[str]:
        """Lines of a unified diff; of a secret only that there is one. Raises OSError."""
        if self.secret:
            return [f"{self.path}: {self.what}; readable by its owner only, not shown"]
        before = self.before()
        old = (self.made_from if before is None else before.decode("utf-8", "replace")).splitlines()
        new = self.content.decode("utf-8", "replace").splitlines()
        return list(difflib.unified_diff(old, new, str(self.path), f"{self.path} (new)", lineterm=""))

    def write(self, owner: Owner | None) -> Path | None:
        """Replace the file in one step; the backup of a public one that was there. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        before, backup = self.before(), None
        if self.secret:
            replace_file(self.path, self.content, PRIVATE, None if owner is None else (owner.uid, owner.gid))
            return None
        mode, kept = PUBLIC, None  # of a file that is there: whatever somebody gave it
        if before is not None:
            old = self.path.stat()
            mode, kept = old.st_mode & 0o777, (old.st_uid, old.st_gid) if os.geteuid() == 0 else None
            backup = _free_backup(self.path)
            replace_file(backup, before, mode, kept)
        replace_file(self.path, self.content, mode, kept)
        return backup


def _free_backup(path: Path) -> Path:
    """Never over an older backup: that is the one from before the mistake."""
    number = 1
    while (backup := path.with_name(f"{path.name}.{number}.bak")).exists():
        number += 1
    return backup
