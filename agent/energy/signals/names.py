# SPDX-License-Identifier: Apache-2.0
"""Names that come from outside: of signals, which become names of files, and of time zones."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from agent.energy.signals.interface import SignalError

NAME = re.compile("[a-z0-9][a-z0-9_-]{0,31}")


def check_name(signal: str) -> None:
    """Raises SignalError."""
    if not isinstance(signal, str) or not NAME.fullmatch(signal):
        cure = "use lower-case letters, digits, '-' and '_', at most 32"
        raise SignalError(f"a signal cannot be called {str(signal)[:40]!r}: {cure}", retry=False)


def check_zone(zone: str) -> None:
    """Raises SignalError."""
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError, TypeError) as error:
        text = f"{str(zone)[:40]!r} is no time zone of this computer: write one such as Europe/Paris"
        raise SignalError(text, retry=False) from error
