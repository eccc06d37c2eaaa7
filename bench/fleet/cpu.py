# SPDX-License-Identifier: Apache-2.0
"""What one cycle costs the coordinator: reports from bytes, the decision, leases to bytes."""

from __future__ import annotations

import random
import time
from statistics import median

from agent.fleet.budget.control import BudgetControl
from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.ledger import Ledger
from agent.fleet.budget.messages import Grant, Report, encode, read_grant, read_report
from agent.fleet.budget.tree import build_tree
from agent.fleet.bus import SECOND_NS
from bench.fleet.plant import WARM_UP_S, Plant
from bench.fleet.policies import bench_table

CYCLE_S = 3
CYCLES = 12


def cycle_ms(count: int, seed: int) -> float:
    """Median CPU time of a cycle with `count` nodes at work, in ms; without the nodes' own."""
    plant = Plant(seed, count)
    ledger = Ledger(build_tree(bench_table(plant, 1.25)), 1, 0, 3 * CYCLE_S * SECOND_NS)
    control = BudgetControl(ledger, random.Random(seed))
    limits_w = {name: group.limit_w for name, group in ledger.tree.groups.items()}
    leases = {
        one.name: NodeLease(one.name, one.idle_w, one.peak_w, number + 1, 0)
        for number, one in enumerate(plant.machines)
    }
    times_ms: list[float] = []
    surge_s = int(plant.surge_s)
    seconds = [*range(0, WARM_UP_S, CYCLE_S), *range(surge_s, surge_s + CYCLES * CYCLE_S, CYCLE_S)]
    for number, now_s in enumerate(seconds):
        now_ns = number * CYCLE_S * SECOND_NS
        payloads = _reports(plant, leases, now_s, now_ns)
        began = time.process_time()
        for name, payload in payloads:
            report = read_report(payload, name)
            if isinstance(report, Report):
                ledger.hear(report, now_ns)
        sent = [(grant.node, encode(grant)) for grant in control.step(now_ns, limits_w)]
        if now_s >= surge_s:
            times_ms.append(1000 * (time.process_time() - began))
        for name, payload in sent:
            grant = read_grant(payload, name)
            if isinstance(grant, Grant):
                leases[name].accept(grant, now_ns)
    return median(times_ms)


def _reports(plant: Plant, leases: dict[str, NodeLease], now_s: int, now_ns: int) -> list[tuple[str, bytes]]:
    for machine in plant.machines:
        lease = leases[machine.name]
        machine.cap_w = lease.cap_w(now_ns)
        lease.was_set(machine.cap_w, now_ns)
        lease.was_read(machine.cap_w)
    plant.step(now_s)
    for machine in plant.machines:
        leases[machine.name].measured(machine.watts, now_ns)
    return [(name, encode(lease.report(now_ns))) for name, lease in leases.items()]
