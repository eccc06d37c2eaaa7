# SPDX-License-Identifier: Apache-2.0
"""A token in a file of its own: never in a site file, a log, an error or a stored day."""

from __future__ import annotations

from agent.energy.signals.interface import SignalError
from agent.service.credentials import CredentialError, secret_file
from agent.store.private import read_private

MAX_BYTES = 1024


def read_token(file: str) -> str:
    """The one line of `token_file`: a path, or `credential:NAME`. Blocks shortly. Raises SignalError."""
    try:
        path = secret_file("token_file", file)
        content = read_private(path)
    except CredentialError as error:
        raise SignalError(str(error), retry=False) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise SignalError(f"token_file: {file}: {why}; write the token into it, mode 0600", retry=False) from None
    text = content[: MAX_BYTES + 1].decode("ascii", "replace").strip()
    if not text or len(content) > MAX_BYTES or not text.isascii() or not text.isprintable():
        raise SignalError(f"token_file: {file}: one line with the token, at most {MAX_BYTES} bytes", retry=False)
    return text
