# SPDX-License-Identifier: Apache-2.0
"""A machine that keeps the cap it is given, for tests of what is shared out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Capped:
    """What reads and sets its cap; kinds of machines say what they draw."""

    kept_w: float = 100.0

    def set_cap_w(self, cap_w: float) -> None:
        self.kept_w = cap_w

    def read_cap_w(self) -> float | None:
        return self.kept_w
