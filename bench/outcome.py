# SPDX-License-Identifier: Apache-2.0
"""How every measurement ends: its table, then each goal with whether it was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def show(table: Iterable[str], verdicts: Iterable[tuple[str, bool]]) -> int:
    """Print both; returns the exit code: 0 if every goal was kept."""
    for line in table:
        print(line)
    print()
    good = True
    for text, kept in verdicts:
        print(f"{'kept  ' if kept else 'MISSED'} {text}")
        good = good and kept
    return 0 if good else 1
