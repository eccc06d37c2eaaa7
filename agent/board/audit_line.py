# SPDX-License-Identifier: Apache-2.0
"""One line of the audit trail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.events.event import rfc3339_ms

if TYPE_CHECKING:
    from agent.power.request import Reply


def audit_line(
    who: str, what: str, targets: tuple[str, ...], reply: Reply, operation: str | None, boot: str
) -> dict[str, object]:
    """`who` is an origin (`ipmi:admin@192.0.2.7`); `targets` are sources; `reply` the answer or the outcome."""
    return {
        "time": rfc3339_ms(time.time_ns() // 1_000_000),
        "mono_ns": time.monotonic_ns(),
        "boot": boot,
        "who": who,
        "what": what,
        "targets": list(targets),
        "verdict": reply.verdict.value,
        "reason": reply.reason,
        "operation": operation,
    }
