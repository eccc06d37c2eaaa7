# SPDX-License-Identifier: Apache-2.0
"""Waiting for what must come, in tests that are no coroutines: until it is there, and never a measure of anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 60.0
STEP_S = 0.05


def until(holds: Callable[[], object], why: object = "never came", within_s: float = PATIENCE_S) -> None:
    """Look until it holds. `why` is what the failure says; a callable is asked for it then."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, why() if callable(why) else why
        time.sleep(STEP_S)
