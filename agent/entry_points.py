# SPDX-License-Identifier: Apache-2.0
"""What installed packages publish for others, by entry point (Python packaging, "Entry points specification")."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

DECLARATIONS = ("*.dist-info/entry_points.txt", "*.egg-info/entry_points.txt")


def published(group: str) -> tuple[EntryPoint, ...]:
    """Every entry of a group, of packages in folders of sys.path. Raises what damaged metadata of a package raises.

    Mostly nobody publishes anything: then importlib.metadata, which takes 1 MB, is not imported.
    """
    if not any(group.encode() in declared for declared in _declared()):
        return ()
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def _declared() -> Iterator[bytes]:
    for name in sys.path:
        place = Path(name)
        if place.is_dir():
            for pattern in DECLARATIONS:
                for file in place.glob(pattern):
                    try:
                        yield file.read_bytes()
                    except OSError:
                        continue  # of a package that is being removed, or not for us
