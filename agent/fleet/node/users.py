# SPDX-License-Identifier: Apache-2.0
"""Who uses a machine now: what a program of the owner's lists, or the login sessions that systemd-logind knows.

Blocks for seconds at most: use it on a thread of its own. Source: loginctl(1); `show-session` is its stable output.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.fleet.node.command import Run

MOST_USERS = 16
MOST_SESSIONS = 64
MOST_CHARACTERS = 40

_SESSION = re.compile(r"\s*([A-Za-z0-9]{1,32})(?:\s|\Z)")
_LIST = ("loginctl", "list-sessions", "--no-legend", "--no-pager")
_SHOW = ("loginctl", "show-session", "--no-pager", "-p", "Name", "-p", "Class", "-p", "State")


def listed(command: Sequence[str], run: Run) -> tuple[str, ...] | None:
    """One user per line of what `command` prints; None = it did not answer."""
    told = run(command)
    return None if told is None else _names(told.splitlines())


def logged_in(run: Run) -> tuple[str, ...] | None:
    """People with a session; None = logind does not answer. Its own managers and greeters are nobody."""
    sessions = run(_LIST)
    if sessions is None:
        return None
    lines = [line for line in sessions.splitlines() if line.strip()]
    found = [_SESSION.match(line) for line in lines]
    if len(lines) > MOST_SESSIONS or not all(found):
        return None
    if not lines:
        return ()
    told = run((*_SHOW, *(match[1] for match in found if match)))
    return None if told is None else _of_sessions(told)


def _of_sessions(told: str) -> tuple[str, ...]:
    """Blocks of KEY=VALUE with an empty line between them."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in told.split("\n\n")]
    return _names(
        [block.get("Name", "somebody") for block in blocks if block.get("Class") == "user" and not _ends(block)]
    )


def _ends(block: dict[str, str]) -> bool:
    return block.get("State") == "closing"


def _names(lines: Sequence[str]) -> tuple[str, ...]:
    names = ("".join(letter for letter in line.strip() if letter.isprintable())[:MOST_CHARACTERS] for line in lines)
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_USERS]
