# SPDX-License-Identifier: Apache-2.0
"""A password in a file of its own: never in a profile, a log or a topic."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from agent.service.credentials import CredentialError, is_credential, secret_file

if TYPE_CHECKING:
    from agent.hardware.adapters.interface import Surroundings

MAX_BYTES = 1024


def read_secret(file: str, key: str, around: Surroundings) -> str:
    """One line of text that only pgood can read. Raises AdapterError; blocks shortly, as opening a file does."""
    try:
        path = secret_file(key, file)
    except CredentialError as error:
        raise around.error(str(error)) from error
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise around.error(f"{key}: {path} is no plain file")
            if mode & 0o077 and not is_credential(path):
                raise around.error(f"{key}: {path} can be read or changed by others: chmod 600 {path}")
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        why = f"{path} cannot be read: {error.strerror}: write the password into it, readable by pgood only"
        raise around.error(f"{key}: {why}") from error
    try:
        text = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise around.error(f"{key}: {path} is not UTF-8 text") from error
    if not text or len(content) > MAX_BYTES or not text.isprintable():
        raise around.error(f"{key}: {path}: one line with the password, at most {MAX_BYTES} bytes")
    return text
