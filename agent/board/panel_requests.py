# SPDX-License-Identifier: Apache-2.0
"""Requests for the front panel: which buttons are kept from the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from agent.power.front_panel import PanelButton
from agent.power.request import Reply, Verdict
from agent.requests.data import Panel
from agent.requests.endpoint import Answer, Endpoint, Failure, RequestFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from agent.power.front_panel import FrontPanel


class _Mask(msgspec.Struct, forbid_unknown_fields=True):
    host: str | None = None
    masked: list[Literal["power", "reset"]] | None = None
    """Exactly these from now on; None = only tell."""


class PanelRequests:
    """Used on the loop's thread."""

    def __init__(self, panels: Mapping[str, FrontPanel], audit: Callable[[str, str, str], None]) -> None:
        """`audit(origin, what, reason)` hears of changes."""
        self._panels = panels
        self._audit = audit

    def table(self) -> dict[str, Endpoint]:
        return {"hosts/panel": Endpoint(True, _Mask, self._mask, (Panel,))}

    async def _mask(self, given: _Mask, origin: str) -> AsyncIterator[Answer]:
        name = next(iter(self._panels), None) if given.host is None else given.host
        if name is None or name not in self._panels:
            known = ", ".join(self._panels) or "none"
            raise RequestFailed(Failure.UNKNOWN_HOST, f"this board has no host {given.host!r}; it has: {known}")
        panel = self._panels[name]
        if given.masked is not None:
            if given.masked and not panel.can_mask:
                text = 'its buttons do not lead through this board (front_panel = "pass" in the profile)'
                yield Answer.of(Reply(Verdict.NOT_WIRED, text))
                return
            try:
                await panel.mask({PanelButton(button) for button in given.masked})
            except OSError as error:
                yield Answer.of(Reply(Verdict.FAILED, str(error)))
                return
            self._audit(origin, f"front panel of host {name}: masked {', '.join(given.masked) or 'nothing'}", "")
        yield Answer.done(
            {
                "host": name,
                "wiring": panel.wiring.value,
                "buttons": sorted(button.value for button in panel.buttons),
                "masked": sorted(button.value for button in panel.masked),
            }
        )
