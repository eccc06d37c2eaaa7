# SPDX-License-Identifier: Apache-2.0
"""What the power manager switches: a host or a rail, each the one that knows how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from agent.power.request import HostState, Reply, Request


class Unit(Protocol):
    """One domain's switch. Used on the loop's thread."""

    @property
    def name(self) -> str: ...

    @property
    def state(self) -> HostState: ...

    @property
    def busy(self) -> bool:
        """It carries out a request, and will tell the outcome by a deadline of its own."""
        ...

    def refusal(self, request: Request) -> Reply | None:
        """Why it can never do that, whatever its state; None = it can."""
        ...

    def ask(self, request: Request) -> tuple[Reply, asyncio.Future[Reply] | None]:
        """Begin an action; ACCEPTED comes with a future of the outcome, every other reply is final."""
        ...
