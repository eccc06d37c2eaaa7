# SPDX-License-Identifier: Apache-2.0
"""Log lines carry the id of the operation that they belong to."""

from __future__ import annotations

import contextlib
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_operation: ContextVar[str] = ContextVar("operation", default="")


@contextlib.contextmanager
def of_operation(operation: str) -> Iterator[None]:
    """What is logged inside, and in timers that are set inside, belongs to this operation; empty = to none."""
    token = _operation.set(operation)
    try:
        yield
    finally:
        _operation.reset(token)


class OperationFilter(logging.Filter):
    """Gives every record `operation`: `[ID] ` or nothing, and `operation_id`, the bare id."""

    def filter(self, record: logging.LogRecord) -> bool:
        operation = _operation.get()
        record.operation = f"[{operation}] " if operation else ""
        record.operation_id = operation
        return True
