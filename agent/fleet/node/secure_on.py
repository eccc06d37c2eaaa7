# SPDX-License-Identifier: Apache-2.0
"""The SecureOn password of a segment: in a file of its own, never in a site file, a log or a message."""

from __future__ import annotations

import re

from agent.service.credentials import CredentialError, secret_file
from agent.store.private import read_private

KEY = "fleet.secure_on_file"
MAX_BYTES = 64
_WRITTEN = re.compile(r"[0-9A-Fa-f]{2}(?:([:.-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){2}(?:(?:\1[0-9A-Fa-f]{2}){2})?)")


class SecureOnError(Exception):
    """The password cannot be had; one sentence with the cure, without the password."""


def parse_password(text: str) -> bytes | None:
    """Four or six bytes as hex, with `:`, `.` or `-` between; None = it is none."""
    return bytes.fromhex(re.sub(r"[:.-]", "", text)) if _WRITTEN.fullmatch(text) else None


def read_secure_on(file: str) -> bytes:
    """The password in `file`: a path, or `credential:NAME`. Blocks shortly. Raises SecureOnError."""
    try:
        content = read_private(secret_file(KEY, file))
    except CredentialError as error:
        raise SecureOnError(str(error)) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise SecureOnError(f"{KEY}: {file}: {why}; write the password into it, mode 0600") from None
    password = parse_password(content[: MAX_BYTES + 1].decode("ascii", "replace").strip())
    if password is None:
        raise SecureOnError(f"{KEY}: {file}: write four or six bytes as hex, such as 0a:0b:0c:0d:0e:0f")
    return password
