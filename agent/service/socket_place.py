# SPDX-License-Identifier: Apache-2.0
"""Where the local socket goes: into the service's runtime directory, whose group may enter, if it has one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNTIME = "RUNTIME_DIRECTORY"
NAME = "pgood.sock"


def socket_place(state_dir: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """The path to listen at. Elsewhere than in the state directory, a link there leads to it. Raises OSError."""
    folder = environment.get(RUNTIME, "").partition(":")[0]
    at_state = state_dir / NAME
    if not folder or not Path(folder).is_dir():
        return at_state
    place = Path(folder) / NAME
    at_state.unlink(missing_ok=True)
    at_state.symlink_to(place)
    return place
