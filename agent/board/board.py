# SPDX-License-Identifier: Apache-2.0
"""One board from its options to a running agent: opened in the order that safety asks for, closed in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from typing import TYPE_CHECKING

from agent.board.armed import is_armed
from agent.board.board_id import board_id
from agent.board.buses import open_kernel_buses
from agent.board.commands import BoardCommands
from agent.board.documents import Documents
from agent.board.lines import open_kernel_lines, open_memory_lines
from agent.board.methods import BoardMethods
from agent.board.services import Services
from agent.board.version import VERSION
from agent.control.server import ControlServer
from agent.events.bus import EventBus
from agent.events.event import EventKind
from agent.hardware.i2c_bus import I2cBus
from agent.ipmi_face.boot_options import StoredBootOptions
from agent.ipmi_face.chassis import HostChassis
from agent.ipmi_face.clock import SelClock
from agent.ipmi_face.identity import BoardInventory, identity
from agent.ipmi_face.redundancy import RedundancyFace
from agent.ipmi_face.sel_form import SelForms
from agent.ipmi_face.sensors import BoardSensors
from agent.mqtt.config import mqtt_config
from agent.mqtt.face import MqttFace
from agent.sim.plant import Plant
from agent.sim.smbus import SimulatedSmbus
from agent.sim.world import SimulatedWorld
from agent.store.database import Database
from agent.store.event_log import EventLog
from agent.store.journal import EventJournal
from agent.store.sel import SystemEventLog
from agent.store.settings import Settings
from agent.store.users import USERS, UserFile
from ipmi.board import Board as IpmiBoard
from ipmi.server import IpmiServer

if TYPE_CHECKING:
    from agent.board.options import Options
    from agent.mqtt.config import MqttConfig

log = logging.getLogger(__name__)

DATABASE = "state.db"
SOCKET = "pgood.sock"


class SettingError(Exception):
    """A setting cannot be used; one sentence that names it and the cure."""


class ListenError(Exception):
    """An address cannot be listened on; one sentence that names it and the cure."""


class Board:
    """A running board. Made before the loop has threads; `start` and `close` run on the loop."""

    def __init__(self, options: Options) -> None:
        """Open the lines, then the state. Raises what is wrong outside: OUTSIDE_ERRORS of agent.cli.boarding."""
        self.options = options
        profile, state_dir = options.profile, options.state_dir
        self.closing = asyncio.Event()
        """Set when the agent is to end."""
        self.restarting = False
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            if profile.board.simulated:
                self.lines = open_memory_lines(profile)
            else:
                self.lines = open_kernel_lines(profile, is_armed(state_dir), state_dir)
            opened.callback(self.lines.close)
            self.world: SimulatedWorld | None = None
            buses = self._open_buses()
            for bus in buses.values():
                opened.callback(bus.close)
            database = Database(state_dir / DATABASE)
            opened.callback(database.close)
            self._open_state(database)
            self.mqtt_config = self._mqtt_config()
            self.services = Services(profile, self.lines, buses, self.settings, self.bus)
            self._stack = opened.pop_all()
        self.documents = Documents(self.services, self._info())
        self.commands = BoardCommands(self.board_id, self.services, self.documents)
        self.ipmi = self._ipmi_server()
        self.ipmi_bound: list[tuple[str, int]] = []
        self.mqtt = MqttFace(self.mqtt_config, self.commands, self.bus) if self.mqtt_config else None
        self.control = ControlServer(BoardMethods(self), state_dir / SOCKET)

    def _open_buses(self) -> dict[str, I2cBus]:
        profile = self.options.profile
        if not profile.board.simulated:
            return open_kernel_buses(profile)
        assert self.lines.chip is not None
        plant = Plant(profile, time.monotonic_ns())
        self.world = SimulatedWorld(profile, plant, self.lines.chip)
        return {name: I2cBus(name, SimulatedSmbus(plant, name)) for name in profile.buses}

    def _open_state(self, database: Database) -> None:
        self.settings = Settings(database)
        self.users = UserFile(self.options.state_dir / USERS)
        if self.options.first_user and not self.users.all():
            self.users.create_first(self.options.first_user)
        start_number = int(self.settings.get("agent.starts", 0)) + 1
        self.settings.put_now({"agent.starts": start_number})
        self.board_id = board_id(self.settings, self.options.site.board.id)
        self.sel_clock = SelClock(self.settings)
        self.sel = SystemEventLog(database, self.settings, self.sel_clock.now)
        slots = {f"psu/{table.name}": index for index, table in enumerate(self.options.profile.supplies)}
        self.journal = EventJournal(database, self.sel, SelForms(slots, self.sel_clock.now).record)
        self.event_log = EventLog(database)
        self.bus = EventBus(self.journal, start_number, secrets.token_hex(4))

    def _mqtt_config(self) -> MqttConfig | None:
        options = self.options
        try:
            return mqtt_config(
                options.site.mqtt,
                self.board_id,
                url=options.override.mqtt_url,
                telemetry_interval_s=options.telemetry_interval_s(),
            )
        except ValueError as error:
            raise SettingError(str(error)) from error

    def _info(self) -> dict[str, object]:
        profile = self.options.profile
        return {
            "board": self.board_id,
            "version": VERSION,
            "profile": profile.name,
            "simulated": profile.board.simulated,
            "armed": self.lines.armed,
            "boot": self.bus.boot,
            "hosts": [host.name for host in profile.hosts],
            "supplies": [supply.name for supply in profile.supplies],
            "sensors": [sensor.name for sensor in profile.sensors],
            "cold_redundancy": any(supply.cold_redundancy for supply in profile.supplies),
        }

    def _ipmi_server(self) -> IpmiServer | None:
        """One endpoint, for the first host; a board without hosts has none."""
        profile, services = self.options.profile, self.services
        if not profile.hosts:
            return None
        name = profile.hosts[0].name
        host = services.hosts[name]
        return IpmiServer(
            IpmiBoard(
                identity=identity(profile, self.board_id, VERSION),
                chassis=HostChassis(
                    host,
                    services.hours[name],
                    services.identify_leds[name],
                    self.settings,
                    self.options.site.policy.restore,
                ),
                sensors=BoardSensors(
                    host, services.temperatures, services.supplies, services.redundancy, self._sensors_changed_at()
                ),
                event_log=self.sel,
                clock=self.sel_clock,
                inventory=BoardInventory(profile, self.board_id, VERSION),
                users=self.users,
                redundancy=RedundancyFace(services.redundancy),
                boot_options=StoredBootOptions(self.settings, name),
            )
        )

    def _sensors_changed_at(self) -> int:
        """Clients cache the SDR repository by this time: it moves only when another profile is loaded."""
        stored = self.settings.get("sensors.profile")
        profile = repr((self.options.profile.sensors, self.options.profile.supplies, VERSION))
        if not stored or stored[0] != profile:
            stored = [profile, self.sel_clock.now()]
            self.settings.put_now({"sensors.profile": stored})
        return int(stored[1])

    async def start(self) -> None:
        """Bring everything up. Raises ListenError."""
        self.bus.start()
        if self.world:
            self.world.start()
        self.services.start()
        self.bus.emit(EventKind.AGENT_STARTED, "board", self.board_id, VERSION)
        if self.mqtt:
            self.mqtt.start()
        await self.control.start()
        if self.ipmi:
            for host, port in self.options.ipmi_listen():
                try:
                    self.ipmi_bound.append(await self.ipmi.listen(host, port))
                except OSError as error:
                    raise ListenError(
                        f"IPMI cannot listen on {host}:{port}: {error.strerror or error}: stop what uses it,"
                        " or choose another address (--ipmi HOST:PORT, or ipmi.listen in the site file)"
                    ) from error

    def restart(self) -> None:
        """Ask whoever runs the board to close it and open it anew."""
        self.restarting = True
        self.closing.set()

    async def close(self) -> None:
        """Stop cleanly: nobody is heard any more, buttons go idle, maintained outputs stay, state is stored."""
        await self.control.close()
        if self.ipmi:
            await self.ipmi.close()
        self.bus.emit(EventKind.AGENT_STOPPED, "board", self.board_id)
        await self.bus.drain()
        if self.mqtt:
            await self.mqtt.close()
        await self.services.close()
        if self.world:
            self.world.close()
        await self.bus.close()
        self._stack.close()
