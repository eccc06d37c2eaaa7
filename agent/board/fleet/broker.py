# SPDX-License-Identifier: Apache-2.0
"""How the machines of a board reach their broker: each has a connection, and so a last will, of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.fleet.mqtt_bus import MqttBus
from agent.profile.problem import SettingError

if TYPE_CHECKING:
    from agent.board.fleet.service import Will
    from agent.mqtt.config import MqttConfig

NO_BROKER = "fleet: its machines talk through a broker: give mqtt.url, such as mqtt://broker.example"


class FleetBroker:
    """Used on the loop's thread."""

    def __init__(self, config: MqttConfig | None) -> None:
        """The broker of the site file. Raises SettingError if there is none."""
        if config is None:
            raise SettingError(NO_BROKER)
        self._config = config
        self._buses: list[MqttBus] = []

    def connect(self, client: str, will: Will | None) -> MqttBus:
        """A client that dials at `start`. Raises SettingError."""
        try:
            bus = MqttBus(replace(self._config, client_id=f"{self._config.client_id}-fleet-{client}", will=will))
        except ValueError as error:
            raise SettingError(str(error)) from error
        self._buses.append(bus)
        return bus

    def start(self) -> None:
        for bus in self._buses:
            bus.start()

    async def close(self) -> None:
        """Say goodbye: the last wills are not told."""
        for bus in self._buses:
            await bus.close()
