# SPDX-License-Identifier: Apache-2.0
"""One engine per line: memory chips know who has a line, for descriptors this process keeps the list."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from native.errors import LineConfigError
from native.lines import KernelLine

if TYPE_CHECKING:
    from native.lines import EngineConfig, InputLine, OutputLine

_lock = threading.Lock()
_claimed: set[int] = set()


def claim_lines(config: EngineConfig) -> set[int]:
    """Returns the descriptors that now belong to one engine. Raises LineConfigError when another one has a line."""
    lines: tuple[OutputLine | InputLine, ...] = (*config.outputs, *config.inputs)
    kernel = {line.line.fd: line.name for line in lines if isinstance(line.line, KernelLine)}
    with _lock:
        for descriptor, name in kernel.items():
            if descriptor in _claimed:
                raise LineConfigError(f"line {name}: is in use by another engine; close that one first")
        _claimed.update(kernel)
    return set(kernel)


def give_back(claims: set[int]) -> None:
    """Frees the lines of an engine that was closed, or never came to be. Idempotent."""
    with _lock:
        _claimed.difference_update(claims)
    claims.clear()
