# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the board just now, as a list that a person reads: empty = healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.board.thermal_documents import thermal_problems
from agent.power.request import HostState
from agent.psu.slot import Health
from agent.psu.verdict import RedundancyState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.board.services import Services

Problem = tuple[str, str]
"""Source and reason."""


def problems(services: Services) -> Iterator[Problem]:
    """Every present problem. What is not yet known is none."""
    for name, host in services.hosts.items():
        view = host.view()
        if view.state is HostState.FAULT:
            yield f"host/{name}", view.reason or "fault"
    for slot in services.supplies.slots:
        if slot.health not in (Health.OK, Health.UNKNOWN):
            yield f"psu/{slot.name}", slot.health.value
        for warning in sorted(slot.warnings):
            yield f"psu/{slot.name}", f"warning: {warning}"
    redundancy = services.redundancy.view()
    if redundancy.state not in (None, RedundancyState.FULL):
        yield "redundancy", redundancy.state.name.lower()
    if redundancy.wiring:
        yield "redundancy", redundancy.wiring
    for table in services.sensors.tables:
        reading = services.sensors.reading(table.name)
        if reading.value is None and reading.mono_ns:
            yield f"sensor/{table.name}", reading.why
    yield from thermal_problems(services.zones, services.fans)
    if services.energy:
        yield from services.energy.problems()
    if services.fleet:
        yield from services.fleet.problems()
    if services.bus.journal_failures:
        yield "store", f"{services.bus.journal_failures} events could not be written"
    if not services.lines.armed:
        yield "board", "observe-only until it is armed"
