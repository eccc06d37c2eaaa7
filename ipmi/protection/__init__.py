# SPDX-License-Identifier: Apache-2.0
"""Protected packets of established sessions: signed, encrypted, framed (IPMI 2.0 sections 13.6, 13.28, 13.29).

The work is done in C over OpenSSL's library where the machine has one, else in Python over `cryptography`; both give
the same bytes and the same verdicts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipmi.protection.compiled import CompiledProtection, is_available
from ipmi.protection.interface import Forged, Protection

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.crypto import Suite

__all__ = ["COMPILED", "Forged", "Protection", "protect"]

COMPILED: Final = is_available()
"""Whether packets are protected in C on this machine."""

_KIND: Callable[[Suite, bytes], Protection]
if COMPILED:
    _KIND = CompiledProtection
else:  # imported only here: `cryptography` takes 8 MB of memory
    from ipmi.protection.interpreted import InterpretedProtection

    _KIND = InterpretedProtection


def protect(suite: Suite, session_key: bytes) -> Protection:
    """The protection of one session, from its suite and its session integrity key (SIK)."""
    return _KIND(suite, session_key)
