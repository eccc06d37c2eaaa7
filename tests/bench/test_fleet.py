# SPDX-License-Identifier: Apache-2.0
"""The surge of `make bench-fleet` is what it says, and so are its verdicts."""

from __future__ import annotations

import sys

import pytest

from agent.fleet.budget.priority import Priority
from bench.fleet.__main__ import main
from bench.fleet.cpu import cycle_ms
from bench.fleet.plant import RUN_S, SURGE_S, Breaker, Plant
from bench.fleet.policies import Conditions
from bench.fleet.report import CASES, case_figures, verdicts
from bench.fleet.run import run

NODES = 40


def test_a_breaker_trips_after_17_minutes_at_ten_percent_over() -> None:
    breaker = Breaker(1000.0)
    for _ in range(17 * 60 - 1):
        breaker.load(1100.0)
    assert not breaker.tripped
    breaker.load(1100.0)
    breaker.load(1100.0)
    assert breaker.tripped
    calm = Breaker(1000.0)
    for second in range(100_000):
        calm.load(1100.0 if second % 2 else 880.0)
    assert not calm.tripped


def test_the_plant_surges_once_and_in_the_same_way() -> None:
    one, two = Plant(3, NODES), Plant(3, NODES)
    watts = [one.step(second) for second in range(RUN_S)]
    assert watts == [two.step(second) for second in range(RUN_S)]
    surge = slice(int(one.surge_s) + 30, int(one.surge_s) + SURGE_S)
    assert min(watts[surge]) > 0.95 * one.peaks_w
    assert max(watts[: int(one.surge_s)]) < 0.8 * one.peaks_w
    shares = [sum(machine.priority is priority for machine in one.machines) / NODES for priority in Priority]
    assert shares == [0.2, 0.4, 0.0, 0.4, 0.0]
    assert one.lost_percent(Priority.CRITICAL) == 0.0


def test_none_trips_uniform_cuts_everyone_and_ours_spares_the_critical() -> None:
    none, uniform, ours = (run(name, Conditions(), 1, NODES) for name in ("none", "uniform", "ours"))
    assert none.tripped
    assert none.weighted_lost == 0.0
    assert not uniform.tripped
    assert uniform.lost_critical > 1.0
    assert (ours.over_s, ours.tripped, ours.lost_critical) == (0, False, 0.0)
    assert 0.0 < ours.weighted_lost < uniform.weighted_lost
    assert ours.lost_production < ours.lost_research


def test_misfortunes_exceed_nothing() -> None:
    bad = run("ours", Conditions(latency_s=5, loss=0.3, outage_s=40, deaf=0.2, grid_drop=0.1), 2, NODES)
    assert (bad.over_s, bad.tripped) == (0, False)
    assert bad.lost_critical > 0.0, "an outage longer than a lease costs work, not breakers"


def test_a_missed_goal_is_told() -> None:
    figures = case_figures([run("none", Conditions(), 1, NODES)])
    around = {"cost_ratio": 100.0, "cycle_ms_10000": 1e6}
    missed = [text for text, kept in verdicts(dict.fromkeys(CASES, figures), around) if not kept]
    assert len(missed) == 7
    assert any("no trip" in text for text in missed)


@pytest.mark.parametrize("words", [["--nodes", "4"], ["--seeds", "0"], ["--json", "/nowhere/at/all.json"]])
def test_what_cannot_be_played_or_written_is_refused_before_it_begins(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.fleet", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize("count", [40, 80])
def test_a_cycle_costs_something(count: int) -> None:
    assert cycle_ms(count, 1) > 0
