# SPDX-License-Identifier: Apache-2.0
"""Keeps the lines of maintained outputs with the service manager, so that no restart makes an edge on them.

Only those: a button that the manager kept would stay pressed if agent and guard were killed in the middle of a press.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from agent.service.notifier import Notifier
    from native import GuardedLine

PREFIX = "line."
PLAIN = re.compile(r"[^!-$&-9;-~]")
"""Everything but printable ASCII, and of that the percent sign, which we use, and the colon, which divides names."""


class LineStore:
    """Used before the loop runs, and when the agent ends."""

    def __init__(self, notifier: Notifier, inherited: Sequence[tuple[str, int]] = ()) -> None:
        """`inherited`: names and descriptors that the manager handed over; they belong to this object."""
        self._notifier = notifier
        self._kept: set[str] = set()
        self._inherited: dict[str, int] = {}
        for name, descriptor in inherited:
            key = _key(name)
            if key is None or key in self._inherited:
                os.close(descriptor)
            else:
                self._inherited[key] = descriptor
                self._kept.add(key)

    def take(self, held: Mapping[str, int]) -> dict[str, int]:
        """`held` (what the guard of the last agent held) completed by what the manager kept: descriptors by key.

        They belong to the caller.
        """
        for key in held.keys() & self._inherited.keys():  # the same request, once more
            os.close(self._inherited.pop(key))
        taken, self._inherited = {**self._inherited, **held}, {}
        return taken

    def let_go(self, keys: Collection[str]) -> None:
        """Have the manager close its copies, so that the lines are free once the caller has closed its own."""
        gone = self._kept & set(keys)
        for key in sorted(gone):
            self._notifier.forget(_name(key))
        if gone:
            self._notifier.wait()
        self._kept -= gone

    def keep(self, lines: Sequence[GuardedLine]) -> None:
        """Have the manager keep the maintained ones of these."""
        for line in lines:
            if line.maintained and line.key not in self._kept and self._notifier.keep(_name(line.key), line.fd):
                self._kept.add(line.key)

    def let_unclaimed_go(self) -> None:
        """What was handed over and nobody took is given back: this board has no such lines."""
        unclaimed, self._inherited = self._inherited, {}
        for descriptor in unclaimed.values():
            os.close(descriptor)
        self.let_go(tuple(unclaimed))

    def let_all_go(self) -> None:
        """For a restart in this very process, which is handed nothing: its guard holds the lines meanwhile."""
        self.let_go(tuple(self._kept))


def _name(key: str) -> str:
    return PREFIX + PLAIN.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), key)


def _key(name: str) -> str | None:
    if not name.startswith(PREFIX):
        return None
    coded = name.removeprefix(PREFIX).encode("ascii", "replace")
    return re.sub(rb"%([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), coded).decode("utf-8", "replace")
