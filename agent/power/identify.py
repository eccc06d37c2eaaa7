# SPDX-License-Identifier: Apache-2.0
"""The identify LED of a host: on for a time, on until told otherwise, or off. Without a line it is remembered only."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from native import LineError

if TYPE_CHECKING:
    from native import LineEngine

log = logging.getLogger(__name__)


class IdentifyLed:
    """Used on the loop's thread."""

    def __init__(self, engine: LineEngine, line: str) -> None:
        """`line` is empty when the board has no such LED, or outputs may not be driven."""
        self._engine = engine
        self._line = line
        self._timer: asyncio.TimerHandle | None = None
        self.lit = False

    def light(self, seconds: int | None) -> None:
        """`seconds` 0 = off now, None = until told otherwise."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._show(seconds != 0)
        if seconds:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._show, False)

    def _show(self, lit: bool) -> None:
        self.lit = lit
        if self._line:
            try:
                self._engine.set(self._line, lit)
            except LineError as error:
                log.warning("identify LED: %s", error)
