# SPDX-License-Identifier: Apache-2.0
"""Numbers and names as they come from a caller, before they become numbers and indexes of the C core."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol, TypeGuard

from native.errors import LineCommandError, LineConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

_NS_PER_MS = 1_000_000


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def is_number(value: object) -> TypeGuard[float]:
    """Returns whether the value is a finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def to_ns(value_ms: float) -> int:
    """Returns whole nanoseconds."""
    return round(value_ms * _NS_PER_MS)


def find_index(names: dict[str, int], name: str, kind: str) -> int:
    """Returns the index of a name. Raises LineCommandError."""
    try:
        return names[name]
    except (KeyError, TypeError):
        raise LineCommandError(f"{kind} {name}: not one of this engine") from None


def index_by_name(items: Iterable[_Named], kind: str) -> dict[str, int]:
    """Returns the index of each name. Raises LineConfigError for a name given twice."""
    names: dict[str, int] = {}
    for index, item in enumerate(items):
        if item.name in names:
            raise LineConfigError(f"{kind} {item.name}: two {kind}s have this name; give each its own")
        names[item.name] = index
    return names
