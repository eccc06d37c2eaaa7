# SPDX-License-Identifier: Apache-2.0
"""Which of several brokers to try next: in order of preference, each after a wait of its own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.mqtt.retry import LONGEST_S, Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.mqtt.ending import Ending
    from agent.mqtt.retry import Version


class BrokerChoice:
    """Brokers by number, 0 = the preferred one. Times are monotonic seconds."""

    def __init__(self, count: int, chance: Callable[[], float], longest_s: float = LONGEST_S) -> None:
        self._backoffs = [Backoff(chance, longest_s) for _ in range(count)]
        self._not_before_s = [0.0] * count

    def next(self, now_s: float) -> tuple[int, float]:
        """The first broker whose time has come, else the one whose comes soonest; and how long to wait for it."""
        soonest = min(range(len(self._not_before_s)), key=lambda number: (self._not_before_s[number] > now_s, number))
        if self._not_before_s[soonest] > now_s:
            soonest = min(range(len(self._not_before_s)), key=self._not_before_s.__getitem__)
        return soonest, max(0.0, self._not_before_s[soonest] - now_s)

    def ended(self, number: int, ending: Ending, version: Version, now_s: float) -> None:
        """An attempt at this broker failed, or its link ended."""
        self._not_before_s[number] = now_s + self._backoffs[number].after(ending, version)

    def better(self, number: int, now_s: float) -> list[int]:
        """Brokers that are preferred to this one and may be tried."""
        return [other for other in range(number) if self._not_before_s[other] <= now_s]
