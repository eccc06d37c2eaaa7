# SPDX-License-Identifier: Apache-2.0
"""Failed logins are answered more and more rarely; a right password is always accepted at once."""

from __future__ import annotations

from dataclasses import dataclass

FREE_FAILURES = 3
LONGEST_SILENCE_S = 60.0
FORGOTTEN_AFTER_S = 300.0
_LIMIT = 4096
"""Keys remembered; the oldest go first, so that made-up names cannot fill the memory."""


@dataclass(slots=True)
class _Record:
    failures: int = 0
    last_at: float = 0.0
    silent_until: float = 0.0


class LoginBackoff:
    """Counts failures per source address and per user name.

    It only decides whether a failed attempt is told so. Refusing further attempts instead would let anybody lock
    the administrator out, from anywhere or from behind the same address.
    """

    def __init__(self) -> None:
        self._records: dict[str | bytes, _Record] = {}

    def failed(self, address: str, name: bytes, now: float) -> bool:
        """Note a failure; True when its answer may be sent, False when the client is left waiting."""
        told = [self._note(key, now) for key in (address, name)]
        return all(told)

    def succeeded(self, address: str, name: bytes) -> None:
        """A right password clears the failures of this address and this name."""
        self._records.pop(address, None)
        self._records.pop(name, None)

    def _note(self, key: str | bytes, now: float) -> bool:
        record = self._records.pop(key, None)
        if record is None or now - record.last_at > FORGOTTEN_AFTER_S:
            record = _Record()
        while len(self._records) >= _LIMIT:
            del self._records[next(iter(self._records))]
        self._records[key] = record
        record.last_at = now
        if now < record.silent_until:
            return False
        record.failures += 1
        if record.failures >= FREE_FAILURES:
            doublings = min(record.failures - FREE_FAILURES, 6)
            record.silent_until = now + min(2.0**doublings, LONGEST_SILENCE_S)
        return True
