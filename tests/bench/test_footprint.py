# SPDX-License-Identifier: Apache-2.0
"""The figures of `make bench-footprint` follow from its samples, and memory from what the kernel says of mappings."""

from __future__ import annotations

from bench.footprint.measure import Idle
from bench.footprint.memory import EMULATED_BELOW, PRIVATE, mapped_kb
from bench.footprint.report import Samples, figures, verdicts

SMAPS = """5500000000-5500005000 r--p 00000000 fe:00 1 /usr/bin/python3.11
Size:                 20 kB
Rss:                  16 kB
Private_Clean:         4 kB
Private_Dirty:         8 kB
7f1122330000-7f1122340000 rw-p 00000000 00:00 0
Size:                 64 kB
Rss:                  32 kB
Private_Clean:         0 kB
Private_Dirty:        32 kB
""".splitlines()


def samples(**changes: float) -> Samples:
    quad = Idle("quad", changes.get("rss_mb", 30.0), changes.get("cpu_percent", 0.1), 2)
    return Samples([0.5, 0.7, changes.get("first_answer_s", 0.6)], [400.0, 500.0], [Idle("sim", 20, 1.5, 1), quad], 900)


def test_memory_counts_what_is_resident() -> None:
    assert mapped_kb(SMAPS, ("Rss:",)) == 48
    assert mapped_kb(SMAPS, PRIVATE) == 44


def test_memory_of_an_emulated_program_leaves_the_emulator_out() -> None:
    assert mapped_kb(SMAPS, ("Rss:",), EMULATED_BELOW) == 16


def test_figures_are_medians_the_largest_profile_and_cpu_where_nothing_is_polled() -> None:
    assert figures(samples()) == {
        "rss_mb": 30.0,
        "cpu_percent": 0.1,
        "first_answer_s": 0.6,
        "import_ms": 450.0,
        "wheel_kb": 900,
    }


def test_each_goal_can_be_missed() -> None:
    assert all(kept for _, kept in verdicts(figures(samples())))
    missed = verdicts(figures(samples(rss_mb=40.1, cpu_percent=1.1)))
    assert [kept for _, kept in missed] == [False, False, True]
