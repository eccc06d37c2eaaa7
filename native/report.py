# SPDX-License-Identifier: Apache-2.0
"""Says in words what the engine's thread could not have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from native.lines import ThreadConfig


def thread_report(config: ThreadConfig, report: Any) -> tuple[str, ...]:
    """Returns one sentence per missing thing, each with its cure; empty if all is well."""
    sentences: list[str] = []
    if report.fifo_error:
        sentences.append(
            f"no real-time priority {config.fifo_priority} ({os.strerror(report.fifo_error)}): "
            "give CAP_SYS_NICE or LimitRTPRIO"
        )
    if report.cpu_error:
        sentences.append(f"not pinned to CPU {config.cpu} ({os.strerror(report.cpu_error)}): name a CPU that exists")
    if report.memory_error:
        sentences.append(
            f"memory not locked ({os.strerror(report.memory_error)}): give CAP_IPC_LOCK or LimitMEMLOCK=infinity"
        )
    elif config.lock_memory and not report.locked_all:
        sentences.append(
            "only the engine's own memory is locked, program text is not: give CAP_IPC_LOCK or LimitMEMLOCK=infinity"
        )
    return tuple(sentences)
