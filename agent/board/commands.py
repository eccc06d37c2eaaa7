# SPDX-License-Identifier: Apache-2.0
"""What faces may do to the board, in one place: implements agent.mqtt.board.MqttBoard and serves the local socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.board.inventory import inventory
from agent.board.version import VERSION
from agent.power.request import Reply, Verdict
from agent.psu.change import ChangeError, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.board.documents import Document, Documents
    from agent.board.services import Services
    from agent.mqtt.inventory import Inventory
    from agent.power.request import Request
    from agent.profile.schema import Profile
    from agent.requests.endpoint import Endpoint


class BoardCommands:
    """Used on the loop's thread."""

    def __init__(
        self,
        board_id: str,
        profile: Profile,
        services: Services,
        documents: Documents,
        endpoints: Mapping[str, Endpoint],
    ) -> None:
        self.board_id = board_id
        self._profile = profile
        self._endpoints = endpoints
        self._services = services
        self._documents = documents

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._services.hosts)

    def documents(self) -> Mapping[str, Document]:
        return self._documents.all()

    def telemetry(self) -> Document:
        return self._documents.telemetry()

    def inventory(self) -> Inventory:
        return inventory(self._profile, self._services, self.board_id, VERSION)

    def endpoints(self) -> Mapping[str, Endpoint]:
        return self._endpoints

    def watch(self, changed: Callable[[str], None]) -> None:
        self._services.watch(changed)

    async def act(self, host: str, request: Request) -> Reply:
        """Ask a host to act and wait for the outcome. Raises KeyError for an unknown host."""
        return await self._services.manager.run(host, request)

    async def configure_redundancy(self, change: Mapping[str, object], origin: str) -> Reply:
        redundancy = self._services.redundancy
        if not redundancy.slots:
            return Reply(Verdict.NOT_WIRED, "this board has no supplies")
        try:
            wanted = changed(redundancy.view().settings, change)
            await redundancy.configure(wanted.settings, origin, wanted.expected)
            if wanted.limits:
                await redundancy.power_limit.set(wanted.power_limit_w, origin)
        except ChangeError as error:
            return Reply(Verdict.BLOCKED, str(error))
        except OSError as error:
            return Reply(Verdict.FAILED, str(error))
        return Reply(Verdict.DONE)
