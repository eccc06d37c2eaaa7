# SPDX-License-Identifier: Apache-2.0
"""The packet that wakes a machine: FFh six times, its address sixteen times, and a SecureOn password if it has one."""

from __future__ import annotations

import re

MAC = r"^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"
SIZE = 102
"""Bytes without a password."""


def mac_bytes(text: str) -> bytes:
    """Six bytes written `aa:bb:cc:dd:ee:ff` or with dashes. Raises ValueError."""
    if not re.fullmatch(MAC, text):
        raise ValueError(f"{text!r} is no MAC address: write aa:bb:cc:dd:ee:ff")
    return bytes.fromhex(text.replace(":", "").replace("-", ""))


def magic_packet(mac: bytes, secure_on: bytes = b"") -> bytes:
    """`secure_on` has no, four or six bytes."""
    return b"\xff" * 6 + mac * 16 + secure_on
