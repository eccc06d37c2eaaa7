# SPDX-License-Identifier: Apache-2.0
"""What the MQTT face needs from a board. Everything is called on the loop's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.mqtt.inventory import Inventory
    from agent.power.request import Reply, Request
    from agent.requests.endpoint import Endpoint


class MqttBoard(Protocol):
    @property
    def board_id(self) -> str: ...

    def documents(self) -> Mapping[str, object]:
        """Every retained document by its topic below the board's base: `info`, `host/0/state`, `psu/1/state` ..."""
        ...

    def inventory(self) -> Inventory:
        """The parts of the board, for discovery."""
        ...

    def watch(self, changed: Callable[[str], None]) -> None:
        """`changed(source)` is called when the document `<source>/state` changed (`host/0`, `psu/1`, `redundancy`)."""
        ...

    def telemetry(self) -> Mapping[str, object]:
        """All readings of this instant."""
        ...

    def endpoints(self) -> Mapping[str, Endpoint]:
        """Every method by its name: `hosts/power/on` ..."""
        ...

    @property
    def hosts(self) -> tuple[str, ...]: ...

    async def act(self, host: str, request: Request) -> Reply:
        """Ask a host to act and wait for the outcome. Raises KeyError for an unknown host."""
        ...

    async def configure_redundancy(self, change: Mapping[str, object], origin: str) -> Reply:
        """Change `enabled`, `rotation`, `algorithm`, `ranks`, `period_s` or some of them: all valid, or none stored."""
        ...
