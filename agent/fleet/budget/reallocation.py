# SPDX-License-Identifier: Apache-2.0
"""Watts go where they do more work: below 0.7 of its usual efficiency a node gets less, above 1.3 more. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.priority import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.fleet.budget.ledger import Account

POOR, GOOD = 0.7, 1.3
"""Parts of a node's usual efficiency."""
LESS, MORE = 0.20, 0.15
"""What is taken, of the present power; what is added, of the base."""
BUSY = 0.9
"""Of its lease; only a node that is held back gets more."""
FORGET = 0.01
"""How fast the usual efficiency follows, each cycle."""


@dataclass(slots=True)
class Reallocation:
    """Remembers what is usual for each node."""

    usual: dict[str, float] = field(default_factory=dict)

    def moves_w(self, accounts: Mapping[str, Account]) -> dict[str, float]:
        """What each node should have more or less. Nodes without a figure are left alone."""
        moves_w: dict[str, float] = {}
        for name, account in accounts.items():
            report = account.report
            if report is None or report.efficiency is None:
                continue
            usual = self.usual.setdefault(name, report.efficiency)
            if report.efficiency < POOR * usual and account.node.priority >= Priority.DEVELOPMENT:
                moves_w[name] = -LESS * report.watts
            busy = report.watts > BUSY * report.lease_w
            if report.efficiency > GOOD * usual and busy and account.node.priority <= Priority.PRODUCTION:
                moves_w[name] = MORE * account.base_w
            self.usual[name] = usual + FORGET * (report.efficiency - usual)
        return moves_w
