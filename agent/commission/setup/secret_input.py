# SPDX-License-Identifier: Apache-2.0
"""A password from a file that a flag names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1024


def read_secret(file: Path) -> str:
    """Its only line. Raises ValueError with the cure, and never with the content."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}: write the password into it") from error
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text") from error
    if not text or len(content) > MAX_BYTES or not text.isprintable():
        raise ValueError(f"{file}: one line with the password, at most {MAX_BYTES} bytes")
    return text
