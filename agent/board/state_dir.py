# SPDX-License-Identifier: Apache-2.0
"""The state directory: made private, owned by one agent at a time."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOCK = "lock"


class StateDirError(Exception):
    """The state directory cannot be used; one sentence with the cure."""


def make_state_dir(path: Path) -> None:
    """Raises StateDirError."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> StateDirError:
    why = error.strerror or str(error)
    return StateDirError(f"state directory {path}: {why}: make it writable, or choose another (--state-dir)")


class StateDir:
    """An exclusively held state directory."""

    def __init__(self, path: Path) -> None:
        """Make and lock it. Raises StateDirError."""
        self.path = path
        make_state_dir(path)
        try:
            self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StateDirError(
                f"state directory {path}: another pgood uses it: stop that one or choose another with --state-dir"
            ) from error

    def close(self) -> None:
        os.close(self._lock)
