# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.fleet [--json FILE] [--seeds N] [--nodes N]`: a surge under each policy and each misfortune."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median

import msgspec

from bench.fleet.cpu import cycle_ms
from bench.fleet.report import CASES, case_figures, table, verdicts
from bench.fleet.run import run
from bench.outcome import show

CPU_ROUNDS = 3
LEAST_NODES = 5
"""So that each priority has one."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.fleet", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each case")
    parser.add_argument("--nodes", type=int, default=200, metavar="N", help=f"{LEAST_NODES} or more")
    arguments = parser.parse_args()
    if arguments.seeds < 1 or arguments.nodes < LEAST_NODES:
        parser.error(f"--seeds is 1 or more, --nodes {LEAST_NODES} or more")
    if arguments.json and not arguments.json.absolute().parent.is_dir():
        parser.error(f"--json {arguments.json}: there is no such directory")  # better now than after 13 minutes
    costs_ms = {count: median(cycle_ms(count, seed) for seed in range(1, CPU_ROUNDS + 1)) for count in (1_000, 10_000)}
    around: dict[str, float] = {
        "nodes": arguments.nodes,
        "seeds": arguments.seeds,
        "cycle_ms_1000": round(costs_ms[1_000], 1),
        "cycle_ms_10000": round(costs_ms[10_000], 1),
        "cost_ratio": round(costs_ms[10_000] / costs_ms[1_000], 2),
    }
    cases: dict[str, dict[str, float]] = {}
    for name, (policy, conditions) in CASES.items():
        seeds = range(1, arguments.seeds + 1)
        cases[name] = case_figures([run(policy, conditions, seed, arguments.nodes) for seed in seeds])
        print(f"{name}: {cases[name]['weighted_lost_percent']:g} % weighted work lost", file=sys.stderr)
    if arguments.json:
        content = {**cases["ours"], **around, "cases": cases}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
    return show(table(cases, around), verdicts(cases, around))


if __name__ == "__main__":
    raise SystemExit(main())
