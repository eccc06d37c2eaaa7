# SPDX-License-Identifier: Apache-2.0
"""What the line engine tells, handed to whom it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.board.line_events import board_event
from agent.power.lines import POWER_GOOD, RESULTS
from agent.power.operation_log import of_operation
from native import CommandDone, InputChanged, InterlockEnded, InterlockFired, Resync, SequenceDone, Steady

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from agent.board.services import Services
    from agent.power.front_panel import FrontPanel, PanelButton
    from agent.power.host import Host
    from agent.profile.schema import Profile
    from native import LineEvent


class LineDispatch:
    """Used on the loop's thread."""

    def __init__(
        self, profile: Profile, services: Services, panel_lines: dict[str, tuple[FrontPanel, PanelButton]]
    ) -> None:
        """`panel_lines`: whose button a line is."""
        self._services = services
        self._engine = services.lines.engine
        self._by_power_good = {
            table.power_good: services.hosts[table.name] for table in profile.hosts if table.controls is None
        }
        self._mains_line = profile.mains.line
        self._by_panel_line = panel_lines

    def read(self) -> None:
        """Take every event that waits."""
        for event in self._engine.events():
            self._services.adapters.feed(event)
            if self._handle(event) and (told := board_event(event)):
                kind, source, args = told
                self._services.bus.emit(kind, source, *args)

    def _handle(self, event: LineEvent) -> bool:
        """Whether it may be an event of the board as well."""
        services, power = self._services, self._services.power
        match event:
            case InputChanged():
                self._input_changed(event)
            case CommandDone(token=token, outcome=outcome, reason=reason):
                for host in filter(lambda host: host.awaits(token), services.hosts.values()):
                    with self._operation_of(host):
                        host.press_ended(token, RESULTS[outcome], reason)
                power.command_done(event)
            case InterlockFired(rule=rule) if power.emergency.ours(rule):
                power.emergency.fired(event)
                return False
            case InterlockEnded(rule=rule) if power.emergency.ours(rule):
                power.emergency.ended(event)
                return False
            case InterlockFired():
                services.interlocks.fired(event)
            case InterlockEnded():
                services.interlocks.ended(event)
            case SequenceDone():
                services.sequences.ended(event)
            case Resync():
                self._read_again()
            case _:
                pass
        return True

    def _input_changed(self, event: InputChanged) -> None:
        if event.line in self._by_power_good:
            self._power_good(self._by_power_good[event.line], event.steady)
        elif event.line == self._mains_line:
            self._mains(event.steady)
        elif event.line in self._by_panel_line:
            if event.previous is not Steady.UNKNOWN:
                panel, button = self._by_panel_line[event.line]
                panel.changed(button, event.steady is Steady.ACTIVE)
        else:
            self._services.power.input_changed(event.line)

    def _power_good(self, host: Host, steady: Steady) -> None:
        if steady is not Steady.UNKNOWN:
            with self._operation_of(host):
                host.power_good_settled(POWER_GOOD[steady])

    def _operation_of(self, host: Host) -> AbstractContextManager[None]:
        """Lines that are logged meanwhile name the operation that runs on this host."""
        return of_operation(self._services.manager.running_on(host.name) or "")

    def _read_again(self) -> None:
        """Events were lost: levels count."""
        for line, host in self._by_power_good.items():
            self._power_good(host, self._engine.input(line).steady)
        self._services.power.read_again()
        if self._mains_line:
            self._mains(self._engine.input(self._mains_line).steady)

    def _mains(self, steady: Steady) -> None:
        self._services.restore.mains(None if steady is Steady.UNKNOWN else steady is Steady.ACTIVE)
