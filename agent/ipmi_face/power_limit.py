# SPDX-License-Identifier: Apache-2.0
"""The power limit of the supplies as DCMI sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.psu.power_limit import EXCEEDED_S
from ipmi.board import PowerLimitSetting

if TYPE_CHECKING:
    from agent.psu.power_limit import PowerLimit
    from agent.store.settings import Settings

KEY = "dcmi.power_limit"
SAMPLING_S = 1


class DcmiPowerLimit:
    """Implements ipmi.board.PowerLimit. What others set in force, over MQTT, is shown as well.

    Exceeding the limit always makes an event, whatever exception action was asked for.
    """

    least_correction_ms = round(EXCEEDED_S * 1000)

    def __init__(self, service: PowerLimit, settings: Settings) -> None:
        self._service = service
        self._settings = settings

    def setting(self) -> PowerLimitSetting | None:
        active_w = self._service.watts
        match self._settings.get(KEY):
            case [int(watts), bool(logs), int(correction_ms), int(sampling_s)]:
                shown_w = watts if active_w is None else round(active_w)
                return PowerLimitSetting(shown_w, logs, correction_ms, sampling_s)
            case _ if active_w is not None:
                return PowerLimitSetting(round(active_w), True, self.least_correction_ms, SAMPLING_S)
            case _:
                return None

    def active(self) -> bool:
        return self._service.watts is not None

    async def set(self, setting: PowerLimitSetting, origin: str) -> bool:
        values = [setting.watts, setting.logs, setting.correction_ms, setting.sampling_s]
        try:
            await self._settings.put({KEY: values})
            if self.active():
                await self._service.set(float(setting.watts), origin)
        except OSError:
            return False
        return True

    async def activate(self, active: bool, origin: str) -> bool:
        setting = self.setting()
        if setting is None:
            return not active
        try:
            await self._service.set(float(setting.watts) if active else None, origin)
        except OSError:
            return False
        return True
