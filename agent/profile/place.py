# SPDX-License-Identifier: Apache-2.0
"""Where a line of a profile is, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.profile.header_pins import header_pin

if TYPE_CHECKING:
    from agent.profile.schema import LineTable, Profile


def place(profile: Profile, line: LineTable) -> str:
    """Where a line is; empty where it is only in memory."""
    if not (line.line or line.offset is not None):
        return ""
    where = line.line or f"offset {line.offset}"
    pin = header_pin(profile, line)
    return f"{where}{f' of {line.chip}' if line.chip else ''}{f', header pin {pin.pin}' if pin else ''}"
