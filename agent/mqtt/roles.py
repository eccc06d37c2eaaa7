# SPDX-License-Identifier: Apache-2.0
"""Who may do what. A broker does not tell who published a message, so a role is the topic that it was published to.

The broker's access list says who may publish below `as/<role>/`; the table here says what that role may do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paho.mqtt.client import topic_matches_sub

from agent.mqtt import topics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT = "default"
"""The role of the plain topics, without `as/<role>/`: unless the table says otherwise it may do everything."""


class Roles:
    """Filters below the board's base by role, such as `host/+/set` or `request/hosts/#`."""

    def __init__(self, table: Mapping[str, Sequence[str]] | None = None) -> None:
        """Raises ValueError for a filter that is none."""
        self._table = {DEFAULT: ("#",), **{role: tuple(filters) for role, filters in (table or {}).items()}}
        for role, filters in self._table.items():
            for one in filters:
                _check(role, one)

    def __contains__(self, role: str) -> bool:
        return role in self._table

    @property
    def prefixed(self) -> bool:
        """Whether any role has topics of its own."""
        return len(self._table) > 1

    def forbids(self, role: str, topic: str) -> str:
        """Why this role may not publish to a topic below the base; empty = it may."""
        role = role or DEFAULT
        if role not in self._table:
            return f"this board knows no role {role!r}"
        if any(topic_matches_sub(one, topic) for one in self._table[role]):
            return ""
        return f"the role {role!r} may not use {topic}"


def _check(role: str, text: str) -> None:
    levels = text.split("/")
    whole = all(level in ("+", "#") or not set(level) & set("+#\0") for level in levels)
    if not text or not whole or "#" in levels[:-1] or levels[0] == topics.AS:
        raise ValueError(
            f"mqtt.roles.{role}: {text!r} is no topic filter below the board's base: write for example"
            " 'host/+/set' or 'request/hosts/#'"
        )
