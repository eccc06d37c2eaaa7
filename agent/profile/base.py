# SPDX-License-Identifier: Apache-2.0
"""What all tables of profile and site file share."""

from __future__ import annotations

from typing import Annotated

import msgspec

Name = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
"""Names become MQTT topic levels: letters, digits, dash, underscore."""


class Table(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Base of all tables: unknown keys are errors."""
