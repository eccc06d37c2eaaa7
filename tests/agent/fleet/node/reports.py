# SPDX-License-Identifier: Apache-2.0
"""What nodes say of themselves in tests."""

from __future__ import annotations

from typing import Any

import msgspec

from agent.fleet.node.documents import Direction, Report, condition


def report_of(node: str, state: Direction, *, target: Direction | None = None, **more: Any) -> Report:
    """The first report of a node of `hall`; `more` are fields that differ."""
    base = Report(
        node=node,
        segment="hall",
        boot="k",
        start=1,
        number=1,
        state=state,
        condition=condition(state, target),
        target=target,
        revision=0 if target is None else 1,
    )
    return msgspec.structs.replace(base, **more)
