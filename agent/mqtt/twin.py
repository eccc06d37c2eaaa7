# SPDX-License-Identifier: Apache-2.0
"""Notices that another agent uses our board id, which many brokers do not tell (safety rule 23).

mosquitto before 2.1 only closes the connection when another client comes with its id, as it does when it dies. But
two agents with one id also write the same topics: who finds another's `info` where its own was, and this again
after every short connection, has a twin.
"""

from __future__ import annotations

from agent.mqtt.retry import STABLE_S

CERTAIN = 2
"""Once may be a broker that crashed and came back with retained messages of long ago."""


class TwinWatch:
    """Pure; told what was published and what was found."""

    def __init__(self) -> None:
        self._ours: set[bytes] = set()
        self._found = 0

    def published(self, info: bytes) -> None:
        """We published this as `info`."""
        self._ours.add(info)

    def found(self, info: bytes) -> bool:
        """The broker had this as `info` when we connected; True = there is a twin."""
        if not self._ours or not info or info in self._ours:
            return False
        self._found += 1
        return self._found >= CERTAIN

    def link_ended(self, lasted_s: float) -> None:
        if lasted_s >= STABLE_S:
            self._found = 0
