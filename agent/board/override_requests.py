# SPDX-License-Identifier: Apache-2.0
"""Requests for an emergency override of safety policies: for a short time, with a reason, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.power.gate import Policy
from agent.power.override import OVERRIDABLE
from agent.power.request import Reply, Verdict
from agent.requests.data import Override
from agent.requests.endpoint import Answer, Endpoint, Failure, NoArguments, RequestFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.power.policy import PowerPolicies
    from agent.power.safety import Safety


class _Override(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    policies: list[str] | None = None
    """None = every one that can be overridden."""
    seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """None = as long as the policy allows."""


class OverrideRequests:
    """Used on the loop's thread."""

    def __init__(
        self,
        safety: Safety,
        policies: Callable[[], PowerPolicies],
        audit: Callable[[str, str, str], None],
        changed: Callable[[], None],
    ) -> None:
        """`audit(origin, what, reason)` hears of both requests."""
        self._safety = safety
        self._policies = policies
        self._audit = audit
        self._changed = changed

    def table(self) -> dict[str, Endpoint]:
        return {
            "safety/override": Endpoint(True, _Override, self._begin, (Override,)),
            "safety/override/end": Endpoint(True, NoArguments, self._end),
        }

    async def _begin(self, given: _Override, origin: str) -> AsyncIterator[Answer]:
        known = {policy.value: policy for policy in OVERRIDABLE}
        wanted = sorted(known) if given.policies is None else given.policies
        for name in wanted:
            if name not in known:
                reason = "cannot be overridden" if name in {policy.value for policy in Policy} else "is no policy"
                text = f"{name!r} {reason}; these can be: {', '.join(sorted(known))}"
                raise RequestFailed(Failure.BAD_ARGUMENTS, text)
        longest_s = self._policies().emergency.override_s
        seconds = longest_s if given.seconds is None else given.seconds
        if seconds > longest_s:
            text = f"seconds: {longest_s:g} at most (emergency.override_s of the policies)"
            raise RequestFailed(Failure.BAD_ARGUMENTS, text)
        override = self._safety.begin_override([known[name] for name in wanted], seconds, origin, given.reason)
        self._audit(origin, f"override {override.text} for {seconds:g} s", given.reason)
        self._changed()
        yield Answer.done(override.document())

    async def _end(self, given: NoArguments, origin: str) -> AsyncIterator[Answer]:
        ended = self._safety.end_override(origin)
        if ended:
            self._audit(origin, "override ended", "")
            self._changed()
        yield Answer.of(Reply(Verdict.DONE, "" if ended else "none was in force"))
