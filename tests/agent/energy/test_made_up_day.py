# SPDX-License-Identifier: Apache-2.0
"""The made-up day."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from agent.energy.day_store import DayStore
from agent.energy.test_data import write_day

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime.date(2026, 10, 25)


def test_the_same_seed_is_the_same_day(tmp_path: Path) -> None:
    values = []
    for seed in (1, 1, 2):
        write_day(tmp_path, "price", DAY, "Europe/Paris", seed)
        data = DayStore(tmp_path).read("price", DAY)
        assert data is not None
        values.append([point.value for point in data.points])
    assert len(values[0]) == 100
    assert values[0] == values[1] != values[2]
