# SPDX-License-Identifier: Apache-2.0
"""All adapters of one board: made from the profile, started, told to the hosts that they belong to, closed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agent.hardware.adapters import gpio
from agent.hardware.adapters.broken import BrokenAdapter
from agent.hardware.adapters.engine_lines import EngineLines
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Surroundings
from agent.hardware.adapters.supervised import SupervisedAdapter
from agent.hardware.remote_power_limit import RemotePowerLimit
from agent.hardware.remote_sensors import RemoteSensors
from agent.power.adapter_lines import AdapterHostLines
from agent.power.effects import PowerGood
from agent.profile.adapter_tables import GPIO
from agent.profile.check_adapters import adapter_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.hardware.adapters.interface import Sense
    from agent.hardware.i2c_bus import I2cBus
    from agent.power.host import Host
    from agent.profile.adapter_tables import AdapterTable
    from agent.profile.schema import HostTable, Profile
    from native import LineEngine, LineEvent

log = logging.getLogger(__name__)


START_GRACE_S = 5.0
"""An adapter that is still finding its way after a start has not lost anything."""


class AdapterSet:
    """Used on the loop's thread. One adapter may serve several hosts."""

    def __init__(self, profile: Profile, engine: LineEngine, buses: Mapping[str, I2cBus], *, armed: bool) -> None:
        """Touches no device. An adapter that cannot be made is one that always fails, and says why."""
        self._profile = profile
        self._buses = buses
        self._armed = armed
        self._lines = EngineLines(engine)
        self.by_name = {name: self._adapter(name, table) for name, table in profile.adapters.items()}
        self._own_lines: list[SupervisedAdapter] = []
        self._hosts: list[AdapterHostLines] = []
        self._closed = False

    def host_lines(self, table: HostTable) -> AdapterHostLines:
        """What switches a host with controls."""
        assert table.controls is not None
        own: SupervisedAdapter | None = None
        controls: dict[Ability, SupervisedAdapter] = {}
        for ability in Ability:
            name = getattr(table.controls, ability.value)
            if name == GPIO:
                own = own or self._own(table)
                controls[ability] = own
            elif name:
                controls[ability] = self.by_name[name]
        buttons = [ability for ability, adapter in controls.items() if adapter is own]
        made = AdapterHostLines(controls, self._armed, buttons)
        self._hosts.append(made)
        return made

    def connect(self, lines: AdapterHostLines, host: Host) -> None:
        """From now on the host hears the ends of its commands and what its sense says."""
        lines.tell_ends_to(host.press_ended)
        sense, loop = lines.sense, asyncio.get_running_loop()
        began_s = loop.time()

        def told(_: Sense) -> None:
            found = sense.sense
            if self._closed:
                return
            if found.level is not Level.UNKNOWN:
                host.power_good_settled(PowerGood(found.level.value))
            elif host.power_good is None and loop.time() < began_s + START_GRACE_S:
                # Before the first word nothing was lost.
                loop.call_at(began_s + START_GRACE_S, told, found)
            else:
                host.power_good_unknown(found.reason or "no reason is given")

        sense.watch(told)

    def remote_sensors(self, name: str) -> RemoteSensors | None:
        """The sensors behind an adapter of the profile; None where there is no such adapter, or it has none."""
        adapter = self.by_name.get(name)
        inner = adapter.adapter if adapter is not None else None
        return inner if isinstance(inner, RemoteSensors) else None

    def remote_power_limit(self, name: str) -> RemotePowerLimit | None:
        """The power limit of the controller behind an adapter of the profile; None where there is none."""
        adapter = self.by_name.get(name)
        inner = adapter.adapter if adapter is not None else None
        return inner if isinstance(inner, RemotePowerLimit) else None

    def start(self) -> None:
        """Once the line engine runs."""
        for adapter in self._all():
            adapter.start()

    def feed(self, event: LineEvent) -> None:
        """Every event of the line engine."""
        self._lines.feed(event)

    async def close(self) -> None:
        """Let go of everything; moves nothing."""
        self._closed = True
        for host in self._hosts:
            host.close()
        await asyncio.gather(*(adapter.close() for adapter in self._all()))

    def _all(self) -> tuple[SupervisedAdapter, ...]:
        return (*self._own_lines, *self.by_name.values())

    def _own(self, table: HostTable) -> SupervisedAdapter:
        """The host's own lines."""
        options = gpio.host_options(table)
        around = Surroundings(f"hosts.{table.name}.gpio", self._profile, self._lines)
        adapter = SupervisedAdapter(around.place, gpio.GpioAdapter(options, around), options.timeout_s)
        self._own_lines.append(adapter)
        return adapter

    def _adapter(self, name: str, table: AdapterTable) -> SupervisedAdapter:
        around = Surroundings(f"adapters.{name}", self._profile, self._lines, self._buses)
        kind, options, why = adapter_options(table)
        if kind is None or options is None:
            return self._broken(around, why)
        try:
            return SupervisedAdapter(around.place, kind.make(options, around), options.timeout_s)
        except AdapterError as error:
            return self._broken(around, str(error).removeprefix(f"{around.place}: "))
        except Exception as error:
            log.exception("%s", around.place)
            return self._broken(around, f"{type(error).__name__}: {error}")

    def _broken(self, around: Surroundings, why: str) -> SupervisedAdapter:
        error = around.error(why)
        log.error("%s", error)
        return SupervisedAdapter(around.place, BrokenAdapter(error), 1.0)
