# SPDX-License-Identifier: Apache-2.0
"""In which form readings are published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.profile.schema import TelemetryRule


@dataclass(frozen=True, slots=True)
class TelemetryForm:
    formats: Sequence[str] = ("json", "msgpack")
    qos: int = 0
    """With 1 a sample is skipped while the broker's window is full."""
    rules: Sequence[TelemetryRule] = ()
