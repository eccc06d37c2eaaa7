# SPDX-License-Identifier: Apache-2.0
"""The policies that can be changed while the board runs: checked as a whole, stored in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from agent.power.request import Reply, Verdict
from agent.power.restore import Restore
from agent.psu.change import ChangeError, changed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.board.services import Services


class PoliciesChange(msgspec.Struct, forbid_unknown_fields=True):
    """Some of the policies; what is not named stays."""

    restore: Literal["off", "previous", "on"] | None = None
    redundancy: dict[str, Any] | None = None
    """As `redundancy/set` takes it, without the power limit: that is written to supplies, and may fail there."""


class Policies:
    """Used on the loop's thread."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def document(self) -> dict[str, object]:
        services = self._services
        document: dict[str, object] = {"restore": services.restore_policy.current.value}
        if services.redundancy.slots:
            view = services.redundancy.view()
            document["redundancy"] = {
                "enabled": view.settings.enabled,
                "rotation": view.settings.rotation,
                "algorithm": view.settings.algorithm.name.lower(),
                "ranks": list(view.settings.ranks),
                "period_s": view.settings.period_s,
                "expected_supplies": view.expected,
            }
        return document

    async def update(self, change: PoliciesChange, origin: str) -> Reply:
        """All of it or nothing."""
        if change.restore is None and change.redundancy is None:
            return Reply(Verdict.BLOCKED, "nothing to change: give restore or redundancy")
        redundancy, restore = self._services.redundancy, self._services.restore_policy
        rows: Mapping[str, object] = restore.row(Restore(change.restore)) if change.restore else {}
        try:
            if change.redundancy is None:
                await restore.store(rows)
                return Reply(Verdict.DONE)
            if not redundancy.slots:
                return Reply(Verdict.NOT_WIRED, "this board has no supplies")
            if "power_limit_w" in change.redundancy:
                return Reply(Verdict.BLOCKED, "power_limit_w is no policy: set it with redundancy/set")
            wanted = changed(redundancy.view().settings, change.redundancy)
            await redundancy.configure(wanted.settings, origin, wanted.expected, rows)
            if rows:
                restore.told()
        except ChangeError as error:
            return Reply(Verdict.BLOCKED, f"redundancy.{error}")
        except OSError as error:
            return Reply(Verdict.FAILED, str(error))
        return Reply(Verdict.DONE)
