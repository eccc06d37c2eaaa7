# SPDX-License-Identifier: Apache-2.0
"""A real board's profile as that of a simulated one: the same hosts, lines and supplies, nothing of the kernel's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.profile.schema import ConsoleTable

if TYPE_CHECKING:
    from agent.profile.schema import HostTable, LineTable, Profile


def simulated(profile: Profile) -> Profile:
    """Chips are left out, consoles are simulated, and no kernel debounces or needs polling. Pure."""
    replace = msgspec.structs.replace
    return replace(
        profile,
        board=replace(profile.board, simulated=True),
        chips={},
        lines={name: _line(line) for name, line in profile.lines.items()},
        hosts=tuple(_host(host) for host in profile.hosts),
    )


def _line(line: LineTable) -> LineTable:
    return msgspec.structs.replace(line, chip="", debounce=None, poll_us=None)


def _host(host: HostTable) -> HostTable:
    console = ConsoleTable(kind="simulated") if host.console else None
    return msgspec.structs.replace(host, console=console)
