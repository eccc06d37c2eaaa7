# SPDX-License-Identifier: Apache-2.0
"""From the profile's console table to a console; only the kind that is asked for is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.console.command import CommandConsole
    from agent.console.pty import PtyConsole
    from agent.console.serial import SerialConsole
    from agent.profile.schema import HostTable
    from agent.sim.console import SimulatedConsole

    HostConsole = SerialConsole | PtyConsole | CommandConsole | SimulatedConsole


class ConsoleError(Exception):
    """A console cannot be made; one sentence with the cure."""


def open_console(host: HostTable, state_dir: Path, powered: Callable[[], bool]) -> HostConsole | None:
    """The console of a host, or None where the profile gives none. Raises ConsoleError.

    A pseudo terminal is found at `console-HOST` in the state directory.
    """
    table = host.console
    if table is None:
        return None
    match table.kind:
        case "serial":
            from agent.console.serial import SerialConsole

            return SerialConsole(table.device, table.baud, table.rtscts)
        case "command":
            from agent.console.command import CommandConsole

            return CommandConsole(table.command)
        case "simulated":
            from agent.sim.console import SimulatedConsole

            return SimulatedConsole(host.name, powered)
        case "pty":
            from agent.console.pty import PtyConsole

            link = state_dir / f"console-{host.name}"
            try:
                return PtyConsole(link)
            except OSError as error:
                raise ConsoleError(f"{link}: {error.strerror or error}") from error
