# SPDX-License-Identifier: Apache-2.0
"""Files replaced in one step, and those that only the agent's user may read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.service.credentials import is_credential

if TYPE_CHECKING:
    from pathlib import Path


def write_private(file: Path, content: bytes) -> None:
    """Replace a file of mode 0600 in one step that survives a power cut. Raises OSError."""
    replace_file(file, content, 0o600)


def replace_file(file: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Replace a file in one step that survives a power cut; `owner` is user and group id. Raises OSError."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        stream.flush()
        os.fsync(descriptor)
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_private(file: Path) -> bytes:
    """The content of a secret file. Raises OSError, also when others may read it."""
    if file.stat().st_mode & 0o077 and not is_credential(file):
        raise PermissionError(f"others may read it; run: chmod 600 {file}")
    return file.read_bytes()
