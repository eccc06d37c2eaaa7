# SPDX-License-Identifier: Apache-2.0
"""The watchdog timer of a host, without a clock (IPMI 2.0 section 27): times go in, what is due comes out."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ipmi.board import WatchdogAction

_TICKS_PER_S = 10
_RUNNING, _DONT_LOG = 0x40, 0x80
_LAST_USE = 5


class PreTimeout(enum.IntEnum):
    """What happens some seconds before the timer runs out. Messages over system interfaces do not exist here."""

    NONE = 0
    NMI = 2


class Due(enum.Enum):
    WARNING = enum.auto()
    EXPIRY = enum.auto()


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """What Set Watchdog Timer has set."""

    use: int
    dont_log: bool
    pre_timeout: PreTimeout
    action: WatchdogAction
    warning_s: int
    initial_ticks: int
    """In units of 100 ms."""


def decode(data: bytes) -> WatchdogSettings | None:
    """The six bytes of Set Watchdog Timer; None when they ask for what cannot be."""
    use, interrupt, action = data[0] & 0x07, data[1] >> 4 & 0x07, data[1] & 0x07
    ticks = int.from_bytes(data[4:6], "little")
    known = 1 <= use <= _LAST_USE and interrupt in PreTimeout.__members__.values() and action <= max(WatchdogAction)
    if not known or (interrupt and data[2] * _TICKS_PER_S > ticks):
        return None
    return WatchdogSettings(
        use, bool(data[0] & _DONT_LOG), PreTimeout(interrupt), WatchdogAction(action), data[2], ticks
    )


class Watchdog:
    """One timer. `now` is monotonic, in seconds. It stops with the server: a restart never disturbs a host."""

    def __init__(self) -> None:
        self.settings: WatchdogSettings | None = None
        self.expired_uses = 0
        """One bit per use whose timer ran out since the bit was cleared."""
        self._ends_at: float | None = None
        self._warned = False

    @property
    def running(self) -> bool:
        return self._ends_at is not None

    def set(self, settings: WatchdogSettings, keep_running: bool, clear_uses: int, now: float) -> None:
        """New settings. The timer stops unless it runs and is to go on, then with the new count."""
        self.settings = settings
        self.expired_uses &= ~clear_uses
        if self.running and keep_running:
            self.start(now)
        else:
            self._ends_at = None

    def start(self, now: float) -> bool:
        """Count down from the beginning; False when nothing was ever set."""
        if self.settings is None:
            return False
        self._ends_at = now + self.settings.initial_ticks / _TICKS_PER_S
        self._warned = False
        return True

    def next_at(self) -> float | None:
        """When `due` has something to say."""
        if self._ends_at is None or self.settings is None:
            return None
        return self._ends_at if self._no_warning() else self._ends_at - self.settings.warning_s

    def due(self, now: float) -> Due | None:
        """What has become due; call again until None."""
        if self._ends_at is None or self.settings is None:
            return None
        if now >= self._ends_at:
            self._ends_at = None
            self.expired_uses |= 1 << self.settings.use
            return Due.EXPIRY
        if not self._no_warning() and now >= self._ends_at - self.settings.warning_s:
            self._warned = True
            return Due.WARNING
        return None

    def encode(self, now: float) -> bytes:
        """The eight bytes of Get Watchdog Timer."""
        settings = self.settings
        if settings is None:
            return bytes((0, 0, 0, self.expired_uses)) + bytes(4)
        left = settings.initial_ticks if self._ends_at is None else max(0, round((self._ends_at - now) * _TICKS_PER_S))
        use = settings.use | (_RUNNING if self.running else 0) | (_DONT_LOG if settings.dont_log else 0)
        return (
            bytes((use, settings.pre_timeout << 4 | settings.action, settings.warning_s, self.expired_uses))
            + settings.initial_ticks.to_bytes(2, "little")
            + min(left, 0xFFFF).to_bytes(2, "little")
        )

    def _no_warning(self) -> bool:
        return self._warned or self.settings is None or self.settings.pre_timeout is PreTimeout.NONE
