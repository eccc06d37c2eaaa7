# SPDX-License-Identifier: Apache-2.0
"""What a coordinator is called on the broker, unless it is told: two of one name throw each other off."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = 6


def coordinator_name(host: str, machine: str, state_dir: Path) -> str:
    """The same for each start; another one for each directory, and on each machine, though hosts be called alike.

    `machine` is the id of the machine; empty = it has none.
    """
    short = re.sub("[^A-Za-z0-9_-]", "-", host.partition(".")[0])[:32]
    digest = hashlib.sha256(f"pgood {host}:{machine}:{state_dir.absolute()}".encode()).hexdigest()
    return f"{short}-{digest[:DIGITS]}"
