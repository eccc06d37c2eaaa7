# SPDX-License-Identifier: Apache-2.0
"""Asks the power manager for clean shutdowns, when a battery is at its reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.request import Action, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.board.services import Services

ORIGIN = "energy:battery"


def soft_off(services: Services, hosts: Sequence[str]) -> str:
    """Who was asked, and what the power manager answered; hosts that are off are not asked.

    Behind what is under way, because it is asked for once.
    """
    on = [name for name in hosts if services.hosts[name].view().powered]
    if not on:
        return "no host is on"
    request = Request(Action.SOFT_OFF, ORIGIN)
    reply, _ = services.manager.ask_many(Action.SOFT_OFF.value, dict.fromkeys(on, Action.SOFT_OFF), request, queue=True)
    reason = f" ({reply.reason})" if reply.reason else ""
    return f"host {', '.join(on)}: {reply.verdict.value}{reason}"
