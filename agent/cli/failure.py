# SPDX-License-Identifier: Apache-2.0
"""How commands fail: a message for a person and an exit code, never a traceback."""

from __future__ import annotations

EXIT_FAILED = 1
"""The request was understood and did not succeed."""
EXIT_USAGE = 2
"""Something outside is wrong: arguments, files, devices, no agent."""


class Failure(Exception):
    """Ends the command with a message on standard error."""

    def __init__(self, text: str, code: int = EXIT_USAGE) -> None:
        super().__init__(text)
        self.code = code
