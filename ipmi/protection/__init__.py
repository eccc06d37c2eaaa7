# SPDX-License-Identifier: Apache-2.0
"""Protected packets of established sessions: signed, encrypted, framed (IPMI 2.0 sections 13.6, 13.28, 13.29).

The work is done in C over OpenSSL's library where the machine has one, else in Python over `cryptography`; both give
the same bytes and the same verdicts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipmi.protection.compiled import CompiledProtection, is_available
from ipmi.protection.interface import Forged, Protection
from ipmi.protection.interpreted import InterpretedProtection

if TYPE_CHECKING:
    from ipmi.crypto import Suite

__all__ = ["COMPILED", "Forged", "Protection", "protect"]

COMPILED: Final = is_available()
"""Whether packets are protected in C on this machine."""


def protect(suite: Suite, session_key: bytes) -> Protection:
    """The protection of one session, from its suite and its session integrity key (SIK)."""
    kind = CompiledProtection if COMPILED else InterpretedProtection
    return kind(suite, session_key)
