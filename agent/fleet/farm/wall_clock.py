# SPDX-License-Identifier: Apache-2.0
"""Local time, while the kernel says that something keeps its clock right. Source: adjtimex(2)."""

from __future__ import annotations

import ctypes
import datetime
import errno
import logging
import os

log = logging.getLogger(__name__)

TIMEX_BYTES = 512
"""struct timex is shorter; all zero asks and sets nothing."""
TIME_ERROR = 5
"""adjtimex's answer while the clock is not synchronised."""


def synchronised() -> bool:
    """Whether the wall clock is kept right, as far as the kernel was told."""
    libc = ctypes.CDLL(None, use_errno=True)
    state: int = libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    if state < 0:
        number = ctypes.get_errno()
        log.debug("adjtimex: %s (%s)", os.strerror(number), errno.errorcode.get(number, number))
    return 0 <= state < TIME_ERROR


def local_time(*, trusted: bool) -> datetime.datetime | None:
    """None while it cannot be believed; `trusted`: it is right though the kernel does not know."""
    return datetime.datetime.now() if trusted or synchronised() else None
