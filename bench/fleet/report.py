# SPDX-License-Identifier: Apache-2.0
"""From runs to medians, the table and the goals."""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING

from bench.fleet.policies import Conditions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.fleet.run import Outcome

CASES: dict[str, tuple[str, Conditions]] = {
    "none": ("none", Conditions()),
    "uniform": ("uniform", Conditions()),
    "uniform 30 %": ("uniform", Conditions(oversubscription=1.3)),
    "ours": ("ours", Conditions()),
    "ours 30 %": ("ours", Conditions(oversubscription=1.3)),
    "cycle 1 s": ("ours", Conditions(cycle_s=1)),
    "cycle 6 s": ("ours", Conditions(cycle_s=6)),
    "cycle 9 s": ("ours", Conditions(cycle_s=9)),
    "cycle 30 s": ("ours", Conditions(cycle_s=30)),
    "cycle 60 s": ("ours", Conditions(cycle_s=60)),
    "latency 5 s, loss 20 %": ("ours", Conditions(latency_s=5, loss=0.2)),
    "outage 15 s": ("ours", Conditions(outage_s=15)),
    "outage 60 s": ("ours", Conditions(outage_s=60)),
    "10 % silent": ("ours", Conditions(deaf=0.1)),
    "30 % silent": ("ours", Conditions(deaf=0.3)),
    "limit falls 10 %": ("ours", Conditions(grid_drop=0.1)),
}
PUBLISHED = (
    "published beside it: a throwaway simulation with a higher load (0 / uniform / three bands: trips 5 of 5 / 0 / 0,",
    "lost work 0 / 10 / 0-4-20 % critical-production-research, seconds over 1060 / 2 / 2); Thunderbolt 9-25 %",
    "oversubscription, Flex up to 33 % more servers; Dynamo reacts in about 6 s",
)
REACTION_S = 6
CORE_SHARE = 0.20
CYCLE_MS = 3000
LINEAR = 1.5
"""Ten times the nodes may cost ten times this."""


def case_figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Over the seeds: means of lost work, the worst of what must not be, medians of the rest."""
    return {
        "over_s": max(one.over_s for one in outcomes),
        "longest_over_s": max(one.longest_over_s for one in outcomes),
        "trips": sum(one.tripped for one in outcomes),
        "lost_critical_percent": round(fmean(one.lost_critical for one in outcomes), 3),
        "lost_production_percent": round(fmean(one.lost_production for one in outcomes), 2),
        "lost_research_percent": round(fmean(one.lost_research for one in outcomes), 2),
        "weighted_lost_percent": round(fmean(one.weighted_lost for one in outcomes), 2),
        "use_in_surge": round(median(one.use for one in outcomes), 3),
        "changes": median(one.changes for one in outcomes),
        "reaction_s": max(one.reaction_s for one in outcomes),
    }


def table(cases: Mapping[str, Mapping[str, float]], around: Mapping[str, float]) -> Iterator[str]:
    """Markdown, one line for each case."""
    keys = list(next(iter(cases.values())))
    yield "| case |" + "".join(f" `{key}` |" for key in keys)
    yield "|---|" + "---|" * len(keys)
    for name, found in cases.items():
        yield f"| {name} |" + "".join(f" {found[key]:g} |" for key in keys)
    yield ""
    yield from PUBLISHED
    yield ""
    for key, value in around.items():
        yield f"{key:24} {value:g}"


def verdicts(cases: Mapping[str, Mapping[str, float]], around: Mapping[str, float]) -> Iterator[tuple[str, bool]]:
    yield "without a budget the breaker trips", cases["none"]["trips"] > 0
    ours = {name: found for name, found in cases.items() if CASES[name][0] == "ours"}
    yield "ours: no trip in any case", all(found["trips"] == 0 for found in ours.values())
    yield (
        "ours: the breaker's rating is not exceeded for a second",
        all(found["over_s"] == 0 for found in ours.values()),
    )
    for name in ("ours", "ours 30 %"):
        yield f"{name}: no critical work is lost", ours[name]["lost_critical_percent"] == 0
        other = cases[name.replace("ours", "uniform")]["weighted_lost_percent"]
        yield f"{name}: less weighted work lost than uniform", ours[name]["weighted_lost_percent"] < other
    yield f"below a limit that fell within {REACTION_S} s", 0 < ours["limit falls 10 %"]["reaction_s"] <= REACTION_S
    yield "the cost of a cycle grows linearly with the nodes", around["cost_ratio"] <= 10 * LINEAR
    yield (
        f"10000 nodes within {CORE_SHARE:.0%} of a core on a 3 s cycle",
        around["cycle_ms_10000"] <= CORE_SHARE * CYCLE_MS,
    )
