# SPDX-License-Identifier: Apache-2.0
"""Which processes there are, without a program that a bare system lacks."""

from __future__ import annotations

import contextlib
from pathlib import Path


def running_with(*arguments: str) -> list[str]:
    """The processes whose command line has these words, one after the other."""
    words, found = "\0".join(arguments), []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if words in place.read_bytes().decode(errors="replace"):
                found.append(place.parent.name)
    return found
