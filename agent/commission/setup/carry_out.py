# SPDX-License-Identifier: Apache-2.0
"""Writes what was planned: each file whole or not at all, and nobody's Ctrl-C in between."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from agent.board.state_dir import LOCK, StateDirError, make_state_dir
from agent.commission.setup.interview import SetupError
from agent.store.users import USERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.commission.setup.ask_user import NewUser
    from agent.commission.setup.plan import Plan
    from agent.commission.setup.planned_file import Owner

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OWN = ("", LOCK, USERS)
"""What setup makes in the state directory; the directory itself first."""


def carry_out(
    plan: Plan, state_dir: Path, owner: Owner | None, make_user: Callable[[NewUser], None], say: Callable[[str], None]
) -> None:
    """The user comes last: making one may mean to go on as the service's user, who may not write the other files.

    `make_user` raises what it likes. Raises SetupError, which says what had been written before.
    """
    done: list[str] = []
    with _undisturbed():
        try:
            make_state_dir(state_dir)
            _give(state_dir, owner)
            for file in plan.files:
                if file.changes():
                    backup = file.write(owner)
                    done.append(str(file.path))
                    say(f"written: {file.path} ({file.what}{f'; the old one is {backup}' if backup else ''})")
            if plan.user is not None:
                make_user(plan.user)
                _give(state_dir, owner)
        except (OSError, StateDirError) as error:
            before = f" (written before: {', '.join(done)})" if done else " (nothing was written)"
            raise SetupError(f"{error}{before}") from error


def _give(state_dir: Path, owner: Owner | None) -> None:
    """To the service's user; only what setup itself makes, and never what a link leads to. Raises OSError."""
    if owner is None:
        return
    for name in OWN:
        with contextlib.suppress(FileNotFoundError):
            os.chown(state_dir / name, owner.uid, owner.gid, follow_symlinks=False)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that end us wait until everything is written; it is too late then, and they end us after it.

    Only on the main thread. Blocking them would not do: another thread may be the one that gets them.
    """
    came: list[int] = []
    before = {number: signal.signal(number, lambda got, _frame: came.append(got)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for got in came[:1]:
        signal.raise_signal(got)
