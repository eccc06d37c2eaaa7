# SPDX-License-Identifier: Apache-2.0
"""When to try the broker again and with which protocol version: pure decisions, no clock inside."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from agent.mqtt.ending import EndingKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.mqtt.ending import Ending

FIRST_S = 1.0
LONGEST_S = 60.0
REFUSED_FIRST_S = 60.0
REFUSED_LONGEST_S = 600.0
"""A permanent refusal needs a person: asking more often only fills the broker's log."""
TAKEN_OVER_FIRST_S = 120.0
TAKEN_OVER_LONGEST_S = 900.0
"""Two agents with one id throw each other out: whoever waits longer lets one of them work."""
STABLE_S = 5.0
"""A connection that lasted this long was a good one: waiting starts small again."""
CURES = 2
"""3.1.1 is remembered when it helped so often right after 5.0 had failed."""

JITTER = 0.5
"""Up to this part of a delay is left to chance, so that a fleet does not come back in one instant."""


class Version(enum.Enum):
    V5 = "5.0"
    V311 = "3.1.1"


class Backoff:
    """The delay before the next attempt."""

    def __init__(self, random: Callable[[], float], longest_s: float = LONGEST_S) -> None:
        """`random` gives [0, 1); `longest_s` is waited at most for a broker that is away."""
        self._random = random
        self._longest_s = longest_s
        self._failures = 0
        self._refusals = 0
        self._takeovers = 0

    def after(self, ending: Ending, version: Version) -> float:
        """Seconds to wait. Falling back from 5.0 costs no wait: the broker is there."""
        if ending.lasted_s >= STABLE_S:
            self._failures = self._refusals = self._takeovers = 0
        if ending.kind is EndingKind.VERSION_REFUSED and version is Version.V5:
            return 0.0
        if ending.kind in (EndingKind.REFUSED, EndingKind.VERSION_REFUSED):
            self._refusals += 1
            return self._grown(REFUSED_FIRST_S, REFUSED_LONGEST_S, self._refusals)
        if ending.kind is EndingKind.TAKEN_OVER:
            self._takeovers += 1
            return self._grown(TAKEN_OVER_FIRST_S, TAKEN_OVER_LONGEST_S, self._takeovers)
        self._failures += 1
        return self._grown(FIRST_S, self._longest_s, self._failures)

    def _grown(self, first_s: float, longest_s: float, times: int) -> float:
        whole = min(longest_s, first_s * 2.0 ** min(times - 1, 20))
        return whole * (1 - JITTER * self._random())


class VersionChoice:
    """MQTT 5.0 first, 3.1.1 when the broker says so, or when it seems to choke on 5.0.

    Some brokers hang up on a CONNECT of 5.0, some (amqtt) misread it and wait for the rest of it. A dying broker
    does the same, so that is a guess for the next attempt only; it is remembered when 3.1.1 helped at once, twice.
    """

    def __init__(self, first: Version = Version.V5) -> None:
        self._remembered: Version | None = None
        self._first = first
        self._guess = first
        self._attempts = 0
        """Since a link stood."""
        self._cures = 0

    @property
    def current(self) -> Version:
        return self._remembered or self._guess

    def accepted(self) -> None:
        """The broker took the current version."""
        if self._remembered is None and self._guess is not self._first and self._attempts == 1:
            self._cures += 1
            if self._cures >= CURES:
                self._remembered = self._guess
        self._attempts = 0

    def ended(self, ending: Ending) -> None:
        """An attempt failed, or the link that it led to ended."""
        current = self.current
        if ending.lasted_s > 0:
            self._guess = self._first
            return
        self._attempts += 1
        if ending.kind is EndingKind.VERSION_REFUSED:
            # A broker that refuses both is asked for 5.0 again: it may have been changed meanwhile.
            self._remembered = Version.V311 if current is Version.V5 else None
            self._guess = Version.V5
        elif ending.kind in (EndingKind.HUNG_UP, EndingKind.SILENT):
            self._remembered = None
            self._guess = Version.V311 if current is Version.V5 else Version.V5
