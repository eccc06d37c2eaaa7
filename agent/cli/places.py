# SPDX-License-Identifier: Apache-2.0
"""Where an agent keeps its state, and how the other verbs find it."""

from __future__ import annotations

import os
from pathlib import Path

SOCKET = "pgood.sock"
SYSTEM_RUNTIME = Path("/run/pgood")
"""Of the service; its group may enter, which it may not the state directory."""
SYSTEM_STATE = Path("/var/lib/pgood")
SYSTEM_SITE = Path("/etc/pgood/pgood.toml")


def _user_state() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "pgood"


def demo_state_dir() -> Path:
    return _user_state() / "demo"


def run_state_dir() -> Path:
    """The system's directory for root and for whoever may write there, else the user's."""
    return SYSTEM_STATE if os.access(SYSTEM_STATE, os.W_OK) or os.getuid() == 0 else _user_state() / "run"


def coordinator_state_dir() -> Path:
    """Of `pgood coordinator`: beside that of an agent on the same machine, which has a lock and a socket of its own."""
    return (SYSTEM_STATE if os.getuid() == 0 else _user_state()) / "coordinator"


def find_agent(state_dir: Path | None) -> Path:
    """The socket of the agent that a verb talks to: named, or by $PGOOD_STATE_DIR, or the first that exists."""
    if state_dir is None and (named := os.environ.get("PGOOD_STATE_DIR")):
        state_dir = Path(named)
    if state_dir is not None:
        return state_dir / SOCKET
    candidates = [run_state_dir(), SYSTEM_RUNTIME, SYSTEM_STATE, demo_state_dir()]
    return next((folder / SOCKET for folder in candidates if has_agent(folder)), demo_state_dir() / SOCKET)


def has_agent(folder: Path) -> bool:
    """Whether the socket of an agent can be seen there."""
    return os.path.exists(folder / SOCKET)
