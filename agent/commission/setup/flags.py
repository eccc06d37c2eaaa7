# SPDX-License-Identifier: Apache-2.0
"""What the command line has said already; None or empty where it said nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Text as it was typed: each question checks its own."""

    site_file: Path
    state_dir: Path
    profile: str | None = None
    chip: str | None = None
    bus: str | None = None
    supply_addresses: str | None = None
    supply_rated_w: str | None = None
    ipmi: str | None = None
    node: str | None = None
    user: str | None = None
    password_file: Path | None = None
    mqtt: str | None = None
    mqtt_user: str | None = None
    mqtt_password_file: Path | None = None
    mqtt_ca: str | None = None
    mqtt_untested: bool = False
