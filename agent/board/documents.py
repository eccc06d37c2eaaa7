# SPDX-License-Identifier: Apache-2.0
"""The board's state as JSON documents, one per topic: what MQTT retains and what `pgood status` shows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.board.line_documents import engine_document, input_documents, interlock_documents
from agent.events.event import rfc3339_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.board.services import Services
    from agent.hardware.pmbus import SupplyReadings
    from agent.psu.slot import Slot

Document = dict[str, object]

SUPPLY_READINGS: tuple[tuple[str, Callable[[SupplyReadings], float | None]], ...] = (
    ("vin_v", lambda r: r.vin_v),
    ("iin_a", lambda r: r.iin_a),
    ("pin_w", lambda r: r.pin_w),
    ("vout_v", lambda r: r.vout_v),
    ("iout_a", lambda r: r.iout_a),
    ("pout_w", lambda r: r.pout_w),
    ("temperature_c", lambda r: r.temperature_c),
    ("fan_rpm", lambda r: r.fan_rpm),
)


class Documents:
    """Builds documents from the services. Used on the loop's thread; nothing here blocks."""

    def __init__(self, services: Services, info: Document) -> None:
        self._services = services
        self._info = info

    def all(self) -> dict[str, Document]:
        """Every retained document, by topic below the board's base."""
        services = self._services
        documents: dict[str, Document] = {"info": self._info}
        for name in services.hosts:
            documents[f"host/{name}/state"] = self.host(name)
        for index, slot in enumerate(services.supplies.slots):
            documents[f"psu/{slot.name}/state"] = self.supply(index)
        if services.supplies.slots:
            documents["redundancy/state"] = self.redundancy()
        return documents

    def host(self, name: str) -> Document:
        view = self._services.hosts[name].view()
        return {
            "state": view.state.value,
            "powered": view.powered,
            "reason": view.reason,
            "running": view.running.value if view.running else None,
            "armed": view.armed,
            "since": rfc3339_ms(view.since_unix_ms),
        }

    def supply(self, index: int) -> Document:
        slot = self._services.supplies.slots[index]
        return {
            "presence": slot.presence.value,
            "health": slot.health.value,
            "rank": self._services.redundancy.view().ranks[index],
            "mfr_id": slot.identity.mfr_id if slot.identity else None,
            "model": slot.identity.mfr_model if slot.identity else None,
            "serial": slot.identity.serial if slot.identity else None,
        }

    def redundancy(self) -> Document:
        view = self._services.redundancy.view()
        settings = view.settings
        return {
            "state": view.state.name.lower() if view.state else None,
            "enabled": settings.enabled,
            "rotation": settings.rotation,
            "algorithm": settings.algorithm.name.lower(),
            "ranks": list(settings.ranks),
            "period_s": settings.period_s,
            "ranks_in_force": list(view.ranks),
            "in_progress": view.in_progress,
        }

    def lines(self) -> Document:
        """The line engine in full: what `pgood status --json` shows beside the telemetry."""
        services = self._services
        return {
            "inputs": input_documents(services.lines),
            "interlocks": interlock_documents(services.interlocks),
            "sequences": list(services.sequences.names),
        }

    def telemetry(self) -> Document:
        """All readings as they are now; null = unavailable."""
        services = self._services
        return {
            "time": rfc3339_ms(time.time_ns() // 1_000_000),
            "mono_ns": time.monotonic_ns(),
            "boot": services.bus.boot,
            "hosts": {
                name: {"state": host.view().state.value, "powered": host.view().powered}
                for name, host in services.hosts.items()
            },
            "supplies": {slot.name: _supply_readings(slot) for slot in services.supplies.slots},
            "temperatures_c": {
                table.name: services.temperatures.reading(table.name).celsius for table in services.temperatures.tables
            },
            "engine": engine_document(services.lines),
        }


def _supply_readings(slot: Slot) -> Document:
    readings = slot.readings
    return {key: None if readings is None else _rounded(read(readings)) for key, read in SUPPLY_READINGS}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
