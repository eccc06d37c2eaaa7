# SPDX-License-Identifier: Apache-2.0
"""One board from its options to a running agent: opened in the order that safety asks for, closed in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import TYPE_CHECKING

from agent.board.audit_line import audit_line
from agent.board.board_id import board_id
from agent.board.commands import BoardCommands
from agent.board.documents import Documents
from agent.board.ground import open_ground
from agent.board.hwmon import open_hwmon
from agent.board.inventory import wired_actions
from agent.board.method_requests import MethodRequests
from agent.board.methods import BoardMethods
from agent.board.metrics import BoardMetrics
from agent.board.metrics_requests import MetricsRequests
from agent.board.options import address
from agent.board.override_requests import OverrideRequests
from agent.board.panel_requests import PanelRequests
from agent.board.policies import Policies
from agent.board.power_requests import PowerRequests
from agent.board.services import Services
from agent.board.supply_requests import SupplyRequests
from agent.board.system_requests import SystemRequests
from agent.board.trend_requests import TrendRequests, trend_readings
from agent.board.tunables import Tunables
from agent.board.version import VERSION
from agent.console.open import open_console
from agent.control.server import ControlServer
from agent.events.bus import EventBus
from agent.events.event import EventKind
from agent.ipmi_face.clock import SelClock
from agent.ipmi_face.endpoints import IpmiEndpoints
from agent.ipmi_face.numbers import sel_sensors, sel_slots
from agent.ipmi_face.sel_form import SelForms
from agent.mqtt.config import mqtt_config
from agent.mqtt.face import MqttFace
from agent.mqtt.spooling import Spooling
from agent.power.operation_store import OperationStore
from agent.power.operations import Operations
from agent.power.request import Reply, Verdict
from agent.profile.problem import SettingError
from agent.prometheus.exposition import exposition
from agent.prometheus.listener import MetricsListener
from agent.service.socket_place import socket_place
from agent.store.audit import AuditTrail
from agent.store.database import Database
from agent.store.event_log import EventLog
from agent.store.journal import EventJournal
from agent.store.sel import SystemEventLog
from agent.store.settings import Settings
from agent.store.users import USERS, UserFile
from agent.trends.archive import TrendArchive
from agent.trends.recorder import TrendRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.board.fleet.service import BoardFleet
    from agent.board.fleet.service import Outside as FleetOutside
    from agent.board.options import Options
    from agent.mqtt.config import MqttConfig
    from agent.power.request import Request
    from agent.requests.endpoint import Endpoint
    from agent.service.line_store import LineStore

log = logging.getLogger(__name__)

DATABASE = "state.db"
METRICS_PORT = 9623


class Board:
    """A running board. Made before the loop has threads; `start` and `close` run on the loop."""

    def __init__(
        self, options: Options, line_store: LineStore | None = None, fleet: FleetOutside | None = None
    ) -> None:
        """Open the lines, then the state. Raises what is wrong outside: OUTSIDE_ERRORS of agent.cli.boarding.

        `line_store`: who keeps maintained outputs between two agents, besides the guard. `fleet`: how the machines of
        `[fleet]` reach their broker.
        """
        self.options = options
        profile, state_dir = options.profile, options.state_dir
        self.closing = asyncio.Event()
        """Set when the agent is to end."""
        self.restarting = False
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            ground = open_ground(options, line_store)
            self.lines = ground.lines
            opened.callback(self.lines.close)
            self.world = ground.world
            buses = ground.buses()
            for bus in buses.values():
                opened.callback(bus.close)
            hwmon = open_hwmon(profile, ground.hwmon_port)
            for chip in hwmon.values():
                opened.callback(chip.close)
            database = Database(state_dir / DATABASE)
            opened.callback(database.close)
            self._open_identity(database)
            self.mqtt_config = self._mqtt_config()
            self.spooling = Spooling(state_dir, database, self.mqtt_config) if self.mqtt_config else None
            if self.spooling:
                opened.callback(self.spooling.close_now)
            self._open_state(database)
            self.operation_store = OperationStore(database)
            self.audit = AuditTrail(state_dir, database.thread)
            self.services = Services(
                profile,
                self.lines,
                buses,
                self.settings,
                self.bus,
                options.site.policy,
                Operations(self.bus.boot, self.operation_store, self.operation_store.load()),
                self._audit_power,
                hwmon,
            )
            if options.energy is not None:
                from agent.board.energy.service import BoardEnergy  # 5 MB that only its users need

                self.services.energy = BoardEnergy(options, options.energy, self.services, ground.hwmon_port())
            self.fleet = self.services.fleet = self._open_fleet(fleet)
            self.trends = TrendRecorder(TrendArchive(database), lambda: trend_readings(self.services))
            consoles = {}
            for table in profile.hosts:
                console = open_console(table, state_dir, self._powered(table.name))
                if console is not None:
                    consoles[table.name] = console
                    opened.callback(console.close)
            self._ipmi_addresses = self._listen_addresses()
            self.ipmi = IpmiEndpoints(
                profile,
                options.site,
                self.board_id,
                VERSION,
                self.services,
                self.settings,
                self.users,
                self.sel,
                self.sel_clock,
                consoles,
                self.bus,
            )
            self._stack = opened.pop_all()
        self.documents = Documents(self.services, self._info)
        self.metrics = BoardMetrics(self.services, self.documents, self.services.operation_metrics, self.board_id)
        self.metrics_listener = MetricsListener(lambda: exposition(self.metrics.families()))
        self._metrics_address = self._metrics_listen()
        self.tunables = Tunables(
            options,
            self.settings,
            self.services.timings,
            self._pace_changed,
            self.services.timing_changed,
            self.bus.emit,
        )
        self.power_requests = PowerRequests(
            self.services.manager, self.services.power.emergencies, self.services.operations
        )
        self.endpoints = self._endpoints()
        self.commands = BoardCommands(self.board_id, profile, self.services, self.documents, self.endpoints)
        self.mqtt: MqttFace | None = None
        self.control = ControlServer(BoardMethods(self), socket_place(state_dir))

    def _open_identity(self, database: Database) -> None:
        self.settings = Settings(database)
        self.users = UserFile(self.options.state_dir / USERS)
        if self.options.first_user and not self.users.all():
            self.users.create_first(self.options.first_user)
        self.board_id = board_id(self.settings, self.options.site.board.id)

    def _open_state(self, database: Database) -> None:
        # Ids never come again: not after a power cut either, which may take what the database had not synced.
        spooled = self.spooling.last_start if self.spooling else 0
        start_number = max(int(self.settings.get("agent.starts", 0)), spooled) + 1
        self.settings.put_now({"agent.starts": start_number})
        database.sync_now()
        self.sel_clock = SelClock(self.settings)
        overwrite = self.options.site.sel.when_full == "overwrite"
        self.sel = SystemEventLog(database, self.settings, self.sel_clock.now, overwrite=overwrite)
        profile = self.options.profile
        forms = SelForms(sel_slots(profile), sel_sensors(profile), self.sel_clock.now)
        self.journal = EventJournal(
            database, self.sel, forms.record, companion=self.spooling.spooler if self.spooling else None
        )
        self.event_log = EventLog(database)
        self.bus = EventBus(self.journal, start_number, secrets.token_hex(4))

    def _open_fleet(self, outside: FleetOutside | None) -> BoardFleet | None:
        """After the energy service, which keeps its leases."""
        table = self.options.fleet
        if table is None:
            return None
        from agent.board.fleet.broker import FleetBroker  # likewise
        from agent.board.fleet.service import BoardFleet, Outside

        if outside is None:
            broker = FleetBroker(self.mqtt_config)
            outside = Outside(broker.connect, broker=broker)
        return BoardFleet(table, self.services, self.board_id, outside)

    def _mqtt_config(self) -> MqttConfig | None:
        options = self.options
        try:
            return mqtt_config(
                options.site.mqtt,
                self.board_id,
                url=options.override.mqtt_url,
                telemetry_interval_s=options.telemetry_interval_s(),
                heartbeat_s=options.telemetry_heartbeat_s(),
                rules=(*options.site.telemetry.rules, *options.profile.telemetry.rules),
            )
        except ValueError as error:
            raise SettingError(str(error)) from error

    def _endpoints(self) -> dict[str, Endpoint]:
        """Every method that faces serve: one table for MQTT and the local socket."""
        looks = SystemRequests(
            self.services,
            self.documents,
            Policies(self.services),
            self.tunables,
            self.options,
            self.settings,
            self.audit,
        )
        return {
            **self.power_requests.table(),
            **looks.table(),
            **SupplyRequests(self.services).table(),
            **PanelRequests(self.services.panels, self._audit_change).table(),
            **TrendRequests(self.trends).table(),
            **(self.services.energy.endpoints() if self.services.energy else {}),
            **(self.fleet.endpoints() if self.fleet else {}),
            **MethodRequests(lambda: self.endpoints).table(),
            **MetricsRequests(self.metrics, self.services.operation_metrics).table(),
            **OverrideRequests(
                self.services.power.safety,
                lambda: self.services.power_policies.current,
                self._audit_change,
                lambda: self.services.tell("policies"),
            ).table(),
        }

    def _pace_changed(self) -> None:
        if self.mqtt:
            self.mqtt.set_pace(self.tunables.interval_s, self.tunables.heartbeat_s)

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
            "zones": [zone.name for zone in profile.zones],
            "fans": [fan.name for fan in profile.fans],
            "capabilities": {
                "hosts": {table.name: sorted(a.value for a in wired_actions(table)) for table in profile.hosts},
                "methods": sorted(self.endpoints),
            },
            "cold_redundancy": any(supply.cold_redundancy for supply in profile.supplies),
        }

    def _audit_power(
        self, request: Request, what: str, sources: tuple[str, ...], reply: Reply, operation: str | None
    ) -> None:
        self.audit.note(audit_line(request.origin, what, sources, reply, operation, self.bus.boot))
        if operation is None and not reply.verdict.good:
            self.services.operation_metrics.request_refused(reply)

    def _audit_change(self, origin: str, what: str, reason: str) -> None:
        """Something other than power was changed by somebody."""
        self.audit.note(audit_line(origin, what, (), Reply(Verdict.DONE, reason), None, self.bus.boot))

    def _powered(self, host: str) -> Callable[[], bool]:
        return lambda: self.services.hosts[host].view().powered

    def _listen_addresses(self) -> dict[str, tuple[tuple[str, int], ...]]:
        try:
            return self.options.ipmi_addresses()
        except ValueError as error:
            raise SettingError(str(error)) from error

    def _metrics_listen(self) -> tuple[str, int] | None:
        text = self.options.site.metrics.listen
        try:
            return address(text, METRICS_PORT) if text else None
        except ValueError as error:
            raise SettingError(f"metrics.listen: {error}") from error

    async def start(self) -> None:
        """Bring everything up. Raises ListenError, MetricsListenError."""
        if self.mqtt_config and self.spooling:
            events = await self.spooling.open(self.journal, self.settings)
            self.mqtt = MqttFace(
                self.mqtt_config,
                self.commands,
                self.bus,
                events=events,
                samples=self.spooling.samples,
                store=self.settings,
            )
            await self.mqtt.prepare()
        self.bus.start()
        if self.world:
            self.world.start()
        self.services.start()
        if self.services.energy:
            self.services.energy.start()
        if self.fleet:
            self.fleet.start()
        self.trends.start()
        self.bus.emit(EventKind.AGENT_STARTED, "board", self.board_id, VERSION)
        if self.mqtt:
            self._pace_changed()
            self.mqtt.start()
        await self.control.start()
        await self.ipmi.listen(self._ipmi_addresses)
        if self._metrics_address:
            await self.metrics_listener.listen(*self._metrics_address)

    def restart(self) -> None:
        """Ask whoever runs the board to close it and open it anew."""
        self.restarting = True
        self.closing.set()

    async def close(self) -> None:
        """Stop cleanly: nobody is heard any more, buttons go idle, maintained outputs stay, state is stored."""
        await self.control.close()
        await self.metrics_listener.close()
        await self.ipmi.close()
        self.bus.emit(EventKind.AGENT_STOPPED, "board", self.board_id)
        await self.bus.drain()
        if self.mqtt:
            await self.mqtt.close()
        await self.trends.close()
        if self.fleet:
            await self.fleet.close()
        if self.services.energy:
            await self.services.energy.close()
        await self.services.close()
        await self.operation_store.close()
        await self.audit.close()
        if self.world:
            self.world.close()
        await self.bus.close()
        if self.spooling:
            await self.spooling.close()
        self._stack.close()
