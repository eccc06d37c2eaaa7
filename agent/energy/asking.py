# SPDX-License-Identifier: Apache-2.0
"""Asks every policy for its word, whatever one of them does."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agent.energy.policies.situation import Proposal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.energy.policies.situation import Policy, Situation

log = logging.getLogger(__name__)


def asked(policies: Sequence[Policy], situation: Situation) -> list[Proposal]:
    """In their order. Raises nothing: one that breaks asks for the safe cap, and the others are heard all the same."""
    return [_word(policy, situation) for policy in policies]


def _word(policy: Policy, situation: Situation) -> Proposal:
    try:
        return policy.propose(situation)
    except Exception as error:  # its reason is in the event of the cap, and in every document
        log.debug("policy %s", policy.name, exc_info=True)
        why = f"{type(error).__name__}: {error}: the safe cap"
        return Proposal(policy.name, situation.cap_range.safe_w, why, urgent=True)
