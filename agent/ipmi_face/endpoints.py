# SPDX-License-Identifier: Apache-2.0
"""One IPMI controller per host of the board: each has addresses of its own, all share sensors, log and users."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from agent.ipmi_face.chassis import HostChassis
from agent.ipmi_face.identity import identity
from agent.ipmi_face.inventory import BoardInventory
from agent.ipmi_face.network import KernelNetwork
from agent.ipmi_face.parameters import StoredParameters
from agent.ipmi_face.plugins import register_plugins
from agent.ipmi_face.power_limit import DcmiPowerLimit
from agent.ipmi_face.redundancy import RedundancyFace
from agent.ipmi_face.security import server_config
from agent.ipmi_face.sensors import BoardSensors
from ipmi.board import Board, UserReply
from ipmi.server import IpmiServer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.console.open import HostConsole
    from agent.events.bus import EventBus
    from agent.ipmi_face.services import IpmiServices
    from agent.profile.schema import Profile
    from agent.profile.site import Site
    from agent.store.sel import SystemEventLog
    from agent.store.settings import Settings
    from agent.store.users import UserFile
    from ipmi.board import Clock, User, UserChange

Address = tuple[str, int]


class ListenError(Exception):
    """An address cannot be listened on; one sentence that names it and the cure."""


class IpmiEndpoints:
    """The IPMI servers of a board. Used on the loop's thread."""

    def __init__(
        self,
        profile: Profile,
        site: Site,
        board_id: str,
        version: str,
        services: IpmiServices,
        settings: Settings,
        users: UserFile,
        sel: SystemEventLog,
        clock: Clock,
        consoles: Mapping[str, HostConsole],
        bus: EventBus,
    ) -> None:
        """Raises SettingError."""
        self.bound: dict[str, list[Address]] = {host.name: [] for host in profile.hosts}
        """The addresses that each host's server answers on."""
        self._servers: dict[str, IpmiServer] = {}
        self._users = users
        config = server_config(site)
        changed_at = _sensors_changed_at(profile, version, settings, clock)
        inventory = BoardInventory(profile, board_id, version, services.supplies, settings)
        for table in profile.hosts:
            name = table.name
            host = services.hosts[name]
            board = Board(
                identity=identity(profile, board_id, version, name),
                chassis=HostChassis(
                    host,
                    services.manager,
                    services.panels[name],
                    services.hours[name],
                    services.identify_leds[name],
                    services.restore_policy,
                    services.restore,
                    bus.emit,
                ),
                sensors=BoardSensors(
                    host,
                    services.sensors,
                    services.supplies,
                    services.redundancy,
                    services.limits,
                    services.zones.all(),
                    services.fans,
                    changed_at,
                ),
                event_log=sel,
                clock=clock,
                inventory=inventory,
                users=_EndpointUsers(users, self, name),
                redundancy=RedundancyFace(services.redundancy),
                boot_options=StoredParameters(settings, f"boot.{name}"),
                system_info=StoredParameters(settings, f"system_info.{name}"),
                dcmi=StoredParameters(settings, f"dcmi.{name}"),
                sol=StoredParameters(settings, f"sol.{name}"),
                network=KernelNetwork(lambda name=name: tuple(host for host, _ in self.bound[name])),  # type: ignore[misc]
                power_meter=services.power_meter if profile.supplies else None,
                power_limit=DcmiPowerLimit(services.redundancy.power_limit, settings) if profile.supplies else None,
                console=consoles.get(name),
            )
            server = self._servers[name] = IpmiServer(board, config)
            register_plugins(server.commands, board)

    async def listen(self, addresses: Mapping[str, Sequence[Address]]) -> None:
        """Answer on the addresses of each host. Raises ListenError."""
        for name, of_host in addresses.items():
            for host, port in of_host:
                try:
                    self.bound[name].append(await self._servers[name].listen(host, port))
                except OSError as error:
                    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                    raise ListenError(
                        f"IPMI cannot listen on {where}: {error.strerror or error}: stop what uses it,"
                        " or choose another address (--ipmi HOST:PORT, or ipmi.listen in the site file)"
                    ) from error

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()

    def counters(self) -> dict[str, int]:
        """What happened at all endpoints together."""
        total: dict[str, int] = {}
        for server in self._servers.values():
            for key, count in asdict(server.counters()).items():
                total[key] = total.get(key, 0) + count
        return total

    def end_sessions_of(self, name: bytes, but_of: str = "") -> int:
        """End the sessions of a user whose account has changed, except at one host's endpoint; returns how many."""
        return sum(server.end_sessions_of(name) for host, server in self._servers.items() if host != but_of)


class _EndpointUsers:
    """Implements ipmi.board.Users: a change at one endpoint ends the user's sessions at the others too."""

    def __init__(self, users: UserFile, endpoints: IpmiEndpoints, host: str) -> None:
        self._users = users
        self._endpoints = endpoints
        self._host = host

    def by_name(self, name: bytes) -> User | None:
        return self._users.by_name(name)

    def all(self) -> Sequence[User]:
        return self._users.all()

    async def change(self, user_id: int, change: UserChange, origin: str) -> UserReply:
        before = next((user for user in self._users.all() if user.user_id == user_id), None)
        reply = await self._users.change(user_id, change, origin)
        if reply is UserReply.DONE and before is not None and before.name:
            self._endpoints.end_sessions_of(before.name, but_of=self._host)
        return reply


def _sensors_changed_at(profile: Profile, version: str, settings: Settings, clock: Clock) -> int:
    """Clients cache the SDR repository by this time: it moves only when another profile is loaded."""
    stored = settings.get("sensors.profile")
    fingerprint = repr((profile.sensors, profile.supplies, version))
    if not stored or stored[0] != fingerprint:
        stored = [fingerprint, clock.now()]
        settings.put_now({"sensors.profile": stored})
    return int(stored[1])
