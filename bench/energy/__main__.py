# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.energy [--json FILE] [--seed N | --recorded DIR]`: a year per policy beside one without a cap."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec

from bench.energy.accounts import account, drift
from bench.energy.limits import wrong_limits
from bench.energy.recorded import NotRecorded, recorded_year
from bench.energy.replay import CASES, peak_rss_kb, replay
from bench.energy.report import HEADLINE, case_figures, table, verdicts
from bench.energy.workload import carry_out, make_workload
from bench.energy.year import PRICE, make_year
from bench.outcome import show

WEEK_QUARTERS = 7 * 96
WEEK = slice(297 * 96, 304 * 96)
"""The one in which the clocks are set back, and which has days without data."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.energy", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another year")
    parser.add_argument(
        "--recorded",
        type=Path,
        metavar="DIR",
        help="days that an agent has stored: `signals` in its state directory",
    )
    arguments = parser.parse_args()
    try:
        year = recorded_year(arguments.recorded) if arguments.recorded else make_year(arguments.seed)
    except NotRecorded as error:
        print(f"bench.energy: {error}", file=sys.stderr)
        return 2
    prices = year.values(PRICE)
    workload = make_workload(arguments.seed, len(prices))
    free_done = carry_out(workload, None)
    free = account(year, workload, free_done)
    cases: dict[str, dict[str, float]] = {}
    around: dict[str, float] = {}
    for name, case in CASES.items():
        if not set(case.signals) <= set(year.signals):
            continue
        found = replay(year, case)
        done = carry_out(workload, found.caps_w)
        cases[name] = case_figures(workload, found, done, account(year, workload, done), free)
        print(f"{name}: {cases[name]['decisions_per_s']:g} decisions a second", file=sys.stderr)
        if name == HEADLINE:
            with tempfile.TemporaryDirectory(prefix="pgood-bench-") as folder:
                week = slice(WEEK_QUARTERS) if arguments.recorded else WEEK
                wrong, given_back = wrong_limits(Path(folder), found.caps_w[week])
            around |= {"wrong_limits": wrong, "given_back": int(given_back), "drift": drift(year, done.watts)}
    lengths = [len(day.points) for day in year.signals[PRICE].values()]
    around |= {
        "quarters": len(prices),
        "short_days": lengths.count(92),
        "long_days": lengths.count(100),
        "negative_price_percent": round(100 * sum(price < 0 for price in prices) / len(prices), 2),
        "uncapped_kwh": round(free.energy_kwh, 1),
        "uncapped_eur": round(free.cost_eur, 2),
        "uncapped_kg": round(free.carbon_kg, 1),
        "uncapped_lost_wh": round(free_done.lost_wh, 3),
        "peak_rss_kb": peak_rss_kb(),
    }
    if arguments.json:
        content = {**cases[HEADLINE], **around, "seed": arguments.seed, "cases": cases}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
    return show(table(cases, around), verdicts(cases, around, made_up=not arguments.recorded))


if __name__ == "__main__":
    raise SystemExit(main())
