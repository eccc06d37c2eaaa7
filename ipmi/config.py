# SPDX-License-Identifier: Apache-2.0
"""Settings of one IPMI server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipmi.crypto import SUITES

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

_MAXIMUM_KEY = 20


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Immutable; a wrong value raises ValueError that names the setting."""

    suites: tuple[int, ...] = (17, 3)
    """Cipher suites offered, strongest first. Only 17 and 3 exist here."""
    kg: bytes | None = field(default=None, repr=False)
    """BMC key for two-key logins, up to 20 bytes; None = the user's password alone."""
    idle_timeout_s: float = 60.0
    """A session that sends nothing for so long is closed."""
    half_open_s: float = 10.0
    """A login must be complete within this time."""
    half_open_limit: int = 1024
    """Logins under way at once. The oldest make room for new ones, so this must exceed what a socket buffer can
    queue (about 280 small datagrams): else a flood evicts a login before its next message is even read."""
    max_sessions: int = 256
    deadline_s: float = 4.0
    """A slow command that has not ended by then is answered with C3h; it goes on running."""
    max_running: int = 32
    """Slow commands at work at once; one more is answered with C0h."""
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses that are answered; empty = all."""

    def __post_init__(self) -> None:
        unknown = [number for number in self.suites if number not in SUITES]
        if unknown or not self.suites:
            raise ValueError(f"suites: {unknown or 'none'}; this server speaks {sorted(SUITES, reverse=True)}")
        if self.kg is not None and not 1 <= len(self.kg) <= _MAXIMUM_KEY:
            raise ValueError(f"kg: 1 to {_MAXIMUM_KEY} bytes")
        for name in ("idle_timeout_s", "half_open_s", "deadline_s", "half_open_limit", "max_sessions", "max_running"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: must be more than 0")
