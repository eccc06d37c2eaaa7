# SPDX-License-Identifier: Apache-2.0
"""Whether a real board may drive outputs: a mark in the state directory (safety rule 10).

A file, not a row of the database: it must be known before the lines are requested, and the lines come before any
thread, the storage thread included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.store.private import write_private

if TYPE_CHECKING:
    from pathlib import Path

MARK = "armed"


def is_armed(state_dir: Path) -> bool:
    return (state_dir / MARK).exists()


def arm(state_dir: Path, origin: str) -> None:
    """Raises OSError."""
    write_private(state_dir / MARK, f"armed by {origin}\n".encode())


def disarm(state_dir: Path) -> None:
    """Raises OSError."""
    (state_dir / MARK).unlink(missing_ok=True)
