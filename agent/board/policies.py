# SPDX-License-Identifier: Apache-2.0
"""The policies that can be changed while the board runs: checked as a whole, applied and stored together or not at all.

Order of a change: every part is checked; what the hardware has to take is written to it; one transaction stores the
rest. If the hardware refuses, nothing is stored; if the disk does, the hardware goes back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from agent.events.event import EventKind
from agent.power.policy import EmergencyPolicies, OperationPolicies, PolicyError, SafetyPolicies, SequencingPolicies
from agent.power.request import Reply, Verdict
from agent.power.restore import Restore
from agent.psu.change import ChangeError, RedundancyChange, Wanted, changed
from agent.requests.schema import partial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.board.services import Services
    from agent.psu.power_limit import AppliedLimit

POWER_GROUPS = ("safety", "sequencing", "operations", "emergency")


class PoliciesChange(msgspec.Struct, forbid_unknown_fields=True):
    """Some of the policies; what is not named stays."""

    # Groups are checked together with what they do not name: by agent.power.policy and agent.psu.change.
    restore: Literal["off", "previous", "on"] | None = None
    redundancy: Annotated[dict[str, Any], Meta(extra_json_schema=partial(RedundancyChange))] | None = None
    """As `redundancy/set` takes it; a power limit is refused as a whole if one supply refuses it."""
    safety: Annotated[dict[str, Any], Meta(extra_json_schema=partial(SafetyPolicies))] | None = None
    sequencing: Annotated[dict[str, Any], Meta(extra_json_schema=partial(SequencingPolicies))] | None = None
    operations: Annotated[dict[str, Any], Meta(extra_json_schema=partial(OperationPolicies))] | None = None
    emergency: Annotated[dict[str, Any], Meta(extra_json_schema=partial(EmergencyPolicies))] | None = None


class Policies:
    """Used on the loop's thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._one_at_a_time = asyncio.Lock()

    def document(self) -> dict[str, object]:
        services = self._services
        override = services.power.safety.override
        document: dict[str, object] = {
            "restore": services.restore_policy.current.value,
            **msgspec.to_builtins(services.power_policies.current),
            "override": None if override is None else override.document(),
        }
        if services.redundancy.slots:
            view = services.redundancy.view()
            document["redundancy"] = {
                "enabled": view.settings.enabled,
                "rotation": view.settings.rotation,
                "algorithm": view.settings.algorithm.name.lower(),
                "ranks": list(view.settings.ranks),
                "period_s": view.settings.period_s,
                "expected_supplies": view.expected,
                "power_limit_w": view.power_limit_w,
            }
        return document

    async def update(self, change: PoliciesChange, origin: str) -> Reply:
        """All of it or nothing."""
        async with self._one_at_a_time:
            return await self._update(change, origin)

    async def _update(self, change: PoliciesChange, origin: str) -> Reply:
        services = self._services
        power = {group: values for group in POWER_GROUPS if (values := getattr(change, group)) is not None}
        if change.restore is None and change.redundancy is None and not power:
            groups = ", ".join(("restore", "redundancy", *POWER_GROUPS))
            return Reply(Verdict.BLOCKED, f"nothing to change: give some of {groups}")
        rows: dict[str, object] = {}
        wanted: Wanted | None = None
        try:
            if power:
                rows |= services.power_policies.row(power)
            if change.restore:
                rows |= services.restore_policy.row(Restore(change.restore))
            if change.redundancy is not None:
                if not services.redundancy.slots:
                    return Reply(Verdict.NOT_WIRED, "this board has no supplies")
                wanted = changed(services.redundancy.view().settings, change.redundancy)
        except PolicyError as error:
            return Reply(Verdict.BLOCKED, str(error))
        except ChangeError as error:
            return Reply(Verdict.BLOCKED, f"redundancy.{error}")
        try:
            await self._put_in_force(rows, wanted, origin)
        except OSError as error:
            return Reply(Verdict.FAILED, str(error))
        if change.restore:
            services.restore_policy.told()
        if power:
            services.power_policies.told()
            services.power.policies_changed()
            services.tell("policies")
        what = ", ".join(sorted(change_words(change)))
        services.bus.emit(EventKind.POLICIES_CHANGED, "board", what, origin)
        return Reply(Verdict.DONE)

    async def _put_in_force(self, rows: Mapping[str, object], wanted: Wanted | None, origin: str) -> None:
        """Raises OSError; then everything is as it was."""
        redundancy = self._services.redundancy
        limit: AppliedLimit | None = None
        if wanted is not None and wanted.limits and wanted.power_limit_w != redundancy.power_limit.watts:
            limit = await redundancy.power_limit.apply(wanted.power_limit_w, strict=True)
            rows = {**rows, **limit.row}
        try:
            if wanted is None:
                await self._services.settings.put(rows)
            else:
                await redundancy.configure(wanted.settings, origin, wanted.expected, rows)
        except OSError:
            if limit is not None:
                await redundancy.power_limit.take_back(limit.written)
            raise
        if limit is not None:
            redundancy.power_limit.adopt(limit, origin)


def change_words(change: PoliciesChange) -> list[str]:
    """`restore=on`, `safety.min_off_s=3`: what was asked for, for the record."""
    words: list[str] = []
    for group in change.__struct_fields__:
        values = getattr(change, group)
        if isinstance(values, dict):
            words += [f"{group}.{key}={value}" for key, value in values.items()]
        elif values is not None:
            words.append(f"{group}={values}")
    return words
