# SPDX-License-Identifier: Apache-2.0
"""From the year's results to figures, the table and the goals."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.energy.accounts import saving_percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.energy.accounts import Account
    from bench.energy.replay import Replay
    from bench.energy.workload import Done, Workload

HEADLINE = "price+carbon"
GROWTH_KB = 2048
DRIFT = 1e-9
PER_S = 500.0


def case_figures(workload: Workload, replay: Replay, done: Done, capped: Account, free: Account) -> dict[str, float]:
    """One policy beside no cap at all."""
    work_wh = workload.work_wh
    return {
        "cost_saving_percent": round(saving_percent(capped.cost_eur, capped.work_wh, free.cost_eur, free.work_wh), 2),
        "carbon_saving_percent": round(
            saving_percent(capped.carbon_kg, capped.work_wh, free.carbon_kg, free.work_wh), 2
        ),
        "work_lost_percent": round(100 * done.lost_wh / work_wh, 3),
        "work_late_percent": round(100 * done.late_wh / work_wh, 3),
        "work_undone_percent": round(100 * done.undone_wh / work_wh, 3),
        "mean_wait_h": round(sum(done.waited_quarters) / max(len(done.waited_quarters), 1) / 4, 2),
        "decisions_per_s": round(median(replay.month_per_s), 0),
        "adjustments": replay.adjustments,
        "safe_quarters": replay.safe,
        "stale_quarters": replay.stale,
        "outside_range": replay.outside,
        "growth_kb": replay.growth_kb,
    }


def table(cases: Mapping[str, Mapping[str, float]], around: Mapping[str, float]) -> Iterator[str]:
    """Markdown, one column for each case."""
    yield "| |" + "".join(f" {name} |" for name in cases)
    yield "|---|" + "---|" * len(cases)
    for key in next(iter(cases.values())):
        yield f"| `{key}` |" + "".join(f" {found[key]:g} |" for found in cases.values())
    yield ""
    for key, value in around.items():
        yield f"{key:24} {value:g}"


def verdicts(
    cases: Mapping[str, Mapping[str, float]], around: Mapping[str, float], *, made_up: bool = True
) -> Iterator[tuple[str, bool]]:
    """What a year must show; a recorded one may be short, and may save nothing."""
    if made_up:
        yield (
            "a year is 35040 quarters, with one day of 92 and one of 100",
            (around["quarters"] == 35_040 and around["short_days"] == around["long_days"] == 1),
        )
    yield "every cap is within its range", all(found["outside_range"] == 0 for found in cases.values())
    yield f"the energy of the days is the integral, to {DRIFT:g}", around["drift"] <= DRIFT
    yield (
        "every cap of a week was in force, and all was given back",
        (around["wrong_limits"] == 0 and around["given_back"] == 1),
    )
    yield (
        f"memory grows by no more than {GROWTH_KB} KB",
        all(found["growth_kb"] <= GROWTH_KB for found in cases.values()),
    )
    yield f"at least {PER_S:g} decisions a second", all(found["decisions_per_s"] >= PER_S for found in cases.values())
    if made_up:
        yield f"{HEADLINE} loses no work", cases[HEADLINE]["work_lost_percent"] == 0
        yield (
            f"{HEADLINE} saves money and carbon for the same work",
            (cases[HEADLINE]["cost_saving_percent"] > 0 and cases[HEADLINE]["carbon_saving_percent"] > 0),
        )
