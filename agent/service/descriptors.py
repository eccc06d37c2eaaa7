# SPDX-License-Identifier: Apache-2.0
"""Descriptors that the service manager hands to a process it starts: sd_listen_fds_with_names(3)."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

log = logging.getLogger(__name__)

FIRST = 3
PROCESS, COUNT, NAMES = "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"


def take_descriptors(environment: MutableMapping[str, str] = os.environ) -> list[tuple[str, int]]:
    """Names and descriptors handed to this process, once: the variables are removed, for children and for restarts.

    The descriptors belong to the caller and are not inherited by programs. Nonsense in the variables is no hand-over.
    """
    process, count = environment.pop(PROCESS, ""), environment.pop(COUNT, "")
    names = environment.pop(NAMES, "").split(":")
    if process != str(os.getpid()) or not (count.isascii() and count.isdigit()):
        return []
    taken = []
    for place in range(int(count)):
        descriptor = FIRST + place
        try:
            os.set_inheritable(descriptor, False)
        except OSError as error:
            log.warning("%s=%s, but descriptor %d: %s", COUNT, count, descriptor, error.strerror)
            break
        taken.append((names[place] if place < len(names) else "", descriptor))
    return taken
