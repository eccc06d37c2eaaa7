# SPDX-License-Identifier: Apache-2.0
"""A chassis or auxiliary domain that an adapter switches, instead of lines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, PreconditionFailed

if TYPE_CHECKING:
    from agent.hardware.adapters.interface import Sense
    from agent.hardware.adapters.supervised import SupervisedAdapter
    from agent.power.rail_unit import RailUnit
    from native import Outcome

GOOD = {Level.ON: True, Level.OFF: False}
"""Every other level is none that a rail knows."""


class RailAdapter:
    """Implements agent.power.rail_unit.RailControls. Used on the loop's thread; the rail decides about retries."""

    def __init__(self, adapter: SupervisedAdapter, armed: bool, rail: RailUnit) -> None:
        self._adapter = adapter
        self._armed = armed
        self._rail = rail
        self._task: asyncio.Task[None] | None = None
        adapter.watch(self._told)

    @property
    def armed(self) -> bool:
        return self._armed

    @property
    def reason(self) -> str:
        """Why its state is unknown."""
        return self._adapter.sense.reason

    def found(self) -> None:
        """Not known before the adapter's first word."""

    def drive(self, active: bool) -> None:
        """A newer call replaces an older one."""
        self.close()
        self._task = asyncio.create_task(self._drive(active), name=f"{self._adapter.place}-drive")

    def command_done(self, token: int, outcome: Outcome, reason: str) -> None:
        """The line engine's commands are none of ours."""

    def close(self) -> None:
        """Give up what is under way; what was sent goes on."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _told(self, sense: Sense) -> None:
        good = GOOD.get(sense.level)
        if good is not None and self._rail.raised is None:
            self._rail.driven(good)  # found so: adopted
        self._rail.power_good(good)

    async def _drive(self, active: bool) -> None:
        adapter, wanted = self._adapter, Level.ON if active else Level.OFF
        level = adapter.sense.level
        if level is not wanted:
            when = Precondition(level, still=lambda: adapter.sense.level is level)
            try:
                if level is Level.UNKNOWN:
                    raise AdapterError(adapter.sense.reason)
                await adapter.act(Ability.ON if active else Ability.OFF, when)
            except PreconditionFailed as error:
                if adapter.sense.level is not wanted:
                    self._rail.drive_failed(str(error))
                    return
            except AdapterError as error:
                self._rail.drive_failed(str(error))
                return
        self._rail.driven(active)
