# SPDX-License-Identifier: Apache-2.0
"""The board's state as JSON documents, one per topic: what MQTT retains and what `pgood status` shows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from agent.board.domain_documents import rail_document
from agent.board.line_documents import engine_document, input_documents, interlock_documents
from agent.board.thermal_documents import fan_readings, zone_document
from agent.events.event import rfc3339_ms
from agent.profile.thermal_tables import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.board.services import Services
    from agent.hardware.pmbus.readings import SupplyReadings
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
    ("efficiency", lambda r: r.efficiency),
    ("average_in_w", lambda r: r.average_in_w),
    ("average_out_w", lambda r: r.average_out_w),
)


class Documents:
    """Builds documents from the services. Used on the loop's thread; nothing here blocks."""

    def __init__(self, services: Services, info: Callable[[], Document]) -> None:
        self._services = services
        self._info = info
        self._began_s = time.monotonic()

    def all(self) -> dict[str, Document]:
        """Every retained document, by topic below the board's base."""
        services = self._services
        documents: dict[str, Document] = {"info": self._info()}
        for name in services.hosts:
            documents[f"host/{name}/state"] = self.host(name)
        for index, slot in enumerate(services.supplies.slots):
            documents[f"psu/{slot.name}/state"] = self.supply(index)
        if services.supplies.slots:
            documents["redundancy/state"] = self.redundancy()
        for name in services.zones.all():
            documents[f"thermal/{name}/state"] = zone_document(services.zones, services.fans, name)
        for name in services.power.rails:
            documents[f"{services.power.graph.domains[name].source}/state"] = self.rail(name)
        documents["policies/state"] = self.policies()
        if services.energy:
            documents["energy/state"] = services.energy.document()
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
            "revision": slot.identity.revision if slot.identity else None,
            "rated_w": self._services.supplies.rated_w(index),
            "running_h": int(self._services.redundancy.wear.seconds(slot) / 3600),
            "flapping": slot.flapping,
            "warnings": sorted(slot.warnings),
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
            "expected_supplies": view.expected,
            "forced_active": view.forced,
            "power_limit_w": view.power_limit_w,
            "wiring": view.wiring,
        }

    def policies(self) -> Document:
        """What the board does by itself, as far as it can be changed while it runs."""
        services = self._services
        return {
            "restore": services.restore_policy.current.value,
            **msgspec.to_builtins(services.power_policies.current),
        }

    def rail(self, name: str) -> Document:
        """A chassis or auxiliary domain."""
        return rail_document(self._services.power, name)

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
            "uptime_s": round(time.monotonic() - self._began_s, 1),
            "hosts": {
                name: {
                    "state": host.view().state.value,
                    "powered": host.view().powered,
                    "power_on_h": services.hours[name].hours(),
                }
                for name, host in services.hosts.items()
            },
            "supplies": {
                slot.name: _supply_readings(slot) | {"energy_in_kwh": services.energy_meter.slot_kwh(slot.name)}
                for slot in services.supplies.slots
            },
            "supply_set": _set_readings(services.supplies.slots) | {"energy_in_kwh": services.energy_meter.set_kwh()},
            **{quantity.group: self._measured(quantity) for quantity in Quantity},
            "fans": fan_readings(services.fans),
            **({"energy": services.energy.readings()} if services.energy else {}),
            "operations": services.operation_metrics.totals(),
            "engine": engine_document(services.lines),
        }

    def _measured(self, quantity: Quantity) -> Document:
        sensors = self._services.sensors
        return {table.name: sensors.reading(table.name).value for table in sensors.tables if table.quantity is quantity}


def _supply_readings(slot: Slot) -> Document:
    readings = slot.readings
    return {key: None if readings is None else _rounded(read(readings)) for key, read in SUPPLY_READINGS}


def _set_readings(slots: Sequence[Slot]) -> Document:
    """The set as one: what it draws, what it delivers, and the quotient."""
    readings = [slot.readings for slot in slots if slot.readings is not None]
    pin_w = _sum([one.pin_w for one in readings])
    pout_w = _sum([one.pout_w for one in readings])
    efficiency = min(1.0, pout_w / pin_w) if pin_w and pout_w else None
    return {"pin_w": _rounded(pin_w), "pout_w": _rounded(pout_w), "efficiency": _rounded(efficiency)}


def _sum(values: list[float | None]) -> float | None:
    """None when one is unavailable: a part is not the whole."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
