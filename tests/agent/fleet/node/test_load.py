# SPDX-License-Identifier: Apache-2.0
"""How busy a machine is, from what its kernel counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.fleet.node.load import CpuTime, LoadMeter, Shares, cpu_time, memory_share

if TYPE_CHECKING:
    from pathlib import Path

STAT = "cpu  100 5 45 {idle} 50 0 0 0 77 0\ncpu0 1 1 1 1 1\nintr 5\n"
MEMINFO = "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    4000 kB\n"


def test_what_waits_for_the_disk_is_idle_and_guests_count_once() -> None:
    assert cpu_time(STAT.format(idle=800)) == CpuTime(850, 1000)
    assert memory_share(MEMINFO) == 0.75


@pytest.mark.parametrize("text", ["", "cpu", "cpu  1 2 3", "cpu  a b c d e", "cpu0 1 2 3 4 5"])
def test_what_says_nothing(text: str) -> None:
    assert cpu_time(text) is None
    assert memory_share(text) is None
    assert memory_share("MemTotal: 0 kB\nMemAvailable: 0 kB\n") is None


def test_the_share_is_that_between_two_looks(tmp_path: Path) -> None:
    meter = LoadMeter(tmp_path)
    assert meter.look() is None  # no such files
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "stat").write_text(STAT.format(idle=800))
    assert meter.look() is None
    (tmp_path / "stat").write_text(STAT.format(idle=830).replace("cpu  100", "cpu  190"))
    assert meter.look() == Shares(0.75, 0.75)
    assert meter.look() is None  # no time has passed
    (tmp_path / "stat").write_text(STAT.format(idle=820).replace("cpu  100", "cpu  250"))
    assert meter.look() == Shares(1.0, 0.75)  # idle time stepped back


def test_this_computer_says_it() -> None:
    meter = LoadMeter()
    meter.look()
    found = None
    while found is None:
        found = meter.look()
    assert 0 <= found.cpu <= 1
    assert 0 < found.memory < 1
