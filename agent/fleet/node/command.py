# SPDX-License-Identifier: Apache-2.0
"""Runs programs whose output is judged here. Blocks until they end or are late: for a thread of its own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agent.energy.command_output import first_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Run = Callable[[Sequence[str]], str | None]

log = logging.getLogger(__name__)

MOST_BYTES = 65_536
WITHIN_S = 3.0


def printed(command: Sequence[str]) -> str | None:
    """What a program prints; None = it is not there, fails, or has not ended in time. Raises nothing."""
    try:
        told = first_bytes(command, MOST_BYTES, WITHIN_S)
    except (OSError, ValueError) as error:
        log.debug("%s: %s", command[0], error)
        return None
    return None if told is None else told.decode("utf-8", "replace")
