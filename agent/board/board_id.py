# SPDX-License-Identifier: Apache-2.0
"""The board id: host name and four hex digits of a hash of the machine id, made once and stored (safety rule 23)."""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.store.settings import Settings

KEY = "board.id"
MACHINE_ID = Path("/etc/machine-id")


def board_id(settings: Settings, stated: str | None) -> str:
    """The stated id, or the stored one, or a new one that is stored. Raises StoreError."""
    if stated:
        return stated
    stored = settings.get(KEY)
    if isinstance(stored, str):
        return stored
    made = fresh_id()
    settings.put_now({KEY: made})
    return made


def fresh_id() -> str:
    """What a board is called that has no id yet; the same every time on a machine with a machine id."""
    return f"{_host_name()}-{_machine_digits()}"


def _host_name() -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname().split(".")[0])[:48].strip("-") or "board"


def machine_id() -> str:
    """Of this installation; empty if it has none."""
    try:
        return MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _machine_digits() -> str:
    machine = machine_id()
    return hashlib.sha256(f"pgood {machine}".encode()).hexdigest()[:4] if machine else secrets.token_hex(2)
