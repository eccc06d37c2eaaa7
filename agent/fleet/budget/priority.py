# SPDX-License-Identifier: Apache-2.0
"""The five priorities, most important first, and how far each may be cut by ordinary control."""

from __future__ import annotations

from enum import IntEnum


class Priority(IntEnum):
    """Lower numbers are served first and cut last."""

    CRITICAL = 0
    PRODUCTION = 1
    DEVELOPMENT = 2
    RESEARCH = 3
    BACKGROUND = 4


BY_NAME = {priority.name.lower(): priority for priority in Priority}
FLOOR_SHARES = {
    Priority.CRITICAL: 0.85,
    Priority.PRODUCTION: 0.70,
    Priority.DEVELOPMENT: 0.60,
    Priority.RESEARCH: 0.55,
    Priority.BACKGROUND: 0.50,
}
"""Parts of a node's peak; a node's own `floor_w` goes before."""
