# SPDX-License-Identifier: Apache-2.0
"""The power manager's policies in force: the site file's, with what was changed at run time over them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from agent.power.policy import PolicyError, PowerPolicies, merged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.store.settings import Settings

KEY = "policy.power"

log = logging.getLogger(__name__)


class PolicyStore:
    """Used on the loop's thread."""

    def __init__(self, site: PowerPolicies, store: Settings) -> None:
        self._site = site
        self._store = store
        self._current = site
        try:
            self._current = merged(site, self.changes)
        except PolicyError as error:
            log.error("policies changed at run time do not fit any more, the site file's are in force: %s", error)

    @property
    def current(self) -> PowerPolicies:
        return self._current

    @property
    def changes(self) -> Mapping[str, Mapping[str, Any]]:
        """What was changed at run time, by group."""
        stored: Mapping[str, Mapping[str, Any]] = self._store.get(KEY, {})
        return stored

    def row(self, change: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
        """What is to be stored for a change, checked as a whole. Raises PolicyError."""
        wanted = {group: {**self.changes.get(group, {}), **values} for group, values in change.items()}
        stored = {**self.changes, **wanted}
        merged(self._site, stored)
        return {KEY: stored}

    def told(self) -> None:
        """The row was stored."""
        self._current = merged(self._site, self.changes)
