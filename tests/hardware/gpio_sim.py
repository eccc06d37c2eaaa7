# SPDX-License-Identifier: Apache-2.0
"""The outside world of a gpio-sim chip: what a machine wired to its lines would drive and see."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLL_S = 0.001


class SimLine:
    """One line seen from outside. Levels are those on the wire: nothing here knows of active-low."""

    def __init__(self, folder: Path) -> None:
        self._pull = folder / "pull"
        self.value = folder / "value"
        """The file that tells the level on the wire."""

    def pull(self, high: bool) -> None:
        """What the world does to the line: decides its level while nobody drives it."""
        self._pull.write_text("pull-up" if high else "pull-down", encoding="ascii")

    def is_high(self) -> bool:
        """The level on the wire: what is driven, or else the pull."""
        return self.value.read_text(encoding="ascii").strip() == "1"

    def wait(self, high: bool, timeout_s: float) -> float:
        """Wait for a level; returns the monotonic time (s) at which it was seen. Fails the test after `timeout_s`."""
        return wait_until(lambda: self.is_high() == high, timeout_s, f"{self.value} never became {int(high)}")


def wait_until(condition: Callable[[], bool], timeout_s: float, failure: str) -> float:
    """Poll `condition`; returns the monotonic time (s) at which it held, or raises AssertionError with `failure`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(POLL_S)
    return time.monotonic()
