# SPDX-License-Identifier: Apache-2.0
"""Everything that is worth a graph, as families for Prometheus: the table of docs/metrics.md."""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING

from agent.board.energy.metrics import energy_families
from agent.power.metrics import BUCKETS_S
from agent.power.request import HostState
from agent.profile.thermal_tables import Quantity
from agent.prometheus.exposition import Family, counter, gauge, histogram

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.board.documents import Documents
    from agent.board.services import Services
    from agent.power.metrics import OperationMetrics

SUPPLY_GAUGES: tuple[tuple[str, str, str], ...] = (
    ("vin_v", "pgood_supply_input_volts", "Input voltage."),
    ("iin_a", "pgood_supply_input_amperes", "Input current."),
    ("pin_w", "pgood_supply_input_watts", "Input power."),
    ("vout_v", "pgood_supply_output_volts", "Output voltage."),
    ("iout_a", "pgood_supply_output_amperes", "Output current."),
    ("pout_w", "pgood_supply_output_watts", "Output power."),
    ("temperature_c", "pgood_supply_temperature_celsius", "Temperature that the supply reports."),
    ("fan_rpm", "pgood_supply_fan_rpm", "Speed of the supply's fan."),
)
"""Key of the telemetry, name and help of the metric."""


class BoardMetrics:
    """Used on the loop's thread; nothing here blocks."""

    def __init__(self, services: Services, documents: Documents, operations: OperationMetrics, board: str) -> None:
        self._services = services
        self._documents = documents
        self._operations = operations
        self._board = board
        self._began_s = time.monotonic()

    def families(self) -> Iterator[Family]:
        yield gauge("pgood_info", "Always 1.", [({"board": self._board, "boot": self._services.bus.boot}, 1)])
        yield gauge("pgood_uptime_seconds", "Since the agent started.", [({}, time.monotonic() - self._began_s)])
        usage = resource.getrusage(resource.RUSAGE_SELF)
        used_s = usage.ru_utime + usage.ru_stime
        yield counter("pgood_cpu_seconds_total", "Processor time of the agent.", [({}, used_s)])
        yield gauge("pgood_max_resident_bytes", "Most memory that the agent had.", [({}, usage.ru_maxrss * 1024)])
        yield from self._power()
        yield from self._supplies()
        yield from self._readings()
        yield from self._operation_families()
        yield counter(
            "pgood_events_unwritten_total", "Events told without a record.", [({}, self._services.bus.journal_failures)]
        )

    def _power(self) -> Iterator[Family]:
        services = self._services
        graph = services.power.graph
        yield gauge(
            "pgood_domain_state",
            "1 for the state that a power domain is in.",
            [
                ({"domain": graph.domains[name].source, "state": state.value}, float(there.state is state))
                for name, there in services.power.facts.items()
                for state in HostState
            ],
        )
        hosts = services.hosts.items()
        powered = [({"host": name}, float(host.view().powered)) for name, host in hosts]
        yield gauge("pgood_host_powered", "Whether power-good is on.", powered)
        hours = [({"host": name}, one.hours() * 3600.0) for name, one in services.hours.items()]
        yield counter("pgood_host_on_seconds_total", "Power-on time, in whole hours.", hours)

    def _supplies(self) -> Iterator[Family]:
        services = self._services
        telemetry = self._documents.telemetry()
        supplies = telemetry["supplies"]
        assert isinstance(supplies, dict)
        for key, name, text in SUPPLY_GAUGES:
            yield gauge(name, text, [({"supply": supply}, readings[key]) for supply, readings in supplies.items()])
        healthy = [({"supply": s.name, "health": s.health.value}, 1.0) for s in services.supplies.slots]
        yield gauge("pgood_supply_health", "1 for the health that a supply has.", healthy)
        yield gauge("pgood_spare_watts", "Ratings minus load.", [({}, services.capacity.spare_w())])
        energy = [
            ({"supply": slot.name}, kwh * 3.6e6)
            for slot in services.supplies.slots
            if (kwh := services.energy_meter.slot_kwh(slot.name)) is not None
        ]
        yield counter("pgood_supply_input_joules_total", "Energy drawn while it was measured.", energy)

    def _readings(self) -> Iterator[Family]:
        yield gauge(
            "pgood_temperature_celsius",
            "Temperatures; one that is unavailable is missing.",
            self._measured(Quantity.TEMPERATURE, 1.0),
        )
        yield gauge(
            "pgood_humidity_ratio",
            "Relative humidity, 0 to 1; one that is unavailable is missing.",
            self._measured(Quantity.HUMIDITY, 0.01),
        )
        fans = self._services.fans
        views = [({"fan": table.name}, fans.view(table.name)) for table in fans.tables]
        yield gauge("pgood_fan_rpm", "Speed of each fan.", [(labels, view.rpm) for labels, view in views])
        if self._services.energy:
            yield from energy_families(self._services.energy.readings())

    def _measured(self, quantity: Quantity, factor: float) -> list[tuple[dict[str, str], float | None]]:
        sensors = self._services.sensors
        readings = [(t.name, sensors.reading(t.name).value) for t in sensors.tables if t.quantity is quantity]
        return [({"sensor": name}, None if value is None else value * factor) for name, value in readings]

    def _operation_families(self) -> Iterator[Family]:
        metrics = self._operations
        yield counter(
            "pgood_operations_total",
            "Ended power operations.",
            [({"what": what, "result": verdict}, count) for (what, verdict), count in metrics.ended.items()],
        )
        yield counter(
            "pgood_operation_failures_total",
            "Failed power operations by what went wrong.",
            [({"what": what, "mode": mode}, count) for (what, mode), count in metrics.failures.items()],
        )
        yield counter(
            "pgood_requests_refused_total",
            "Requests that were refused, by policy or verdict.",
            [({"why": why}, count) for why, count in metrics.refused.items()],
        )
        yield histogram(
            "pgood_operation_duration_seconds",
            "How long power operations took.",
            BUCKETS_S,
            [({"what": what}, tuple(one.counts), one.sum_s) for what, one in metrics.durations.items()],
        )
        running = sum(one.running for one in self._services.operations.all())
        yield gauge("pgood_operations_running", "Power operations under way.", [({}, running)])
