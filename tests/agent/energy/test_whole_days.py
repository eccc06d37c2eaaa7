# SPDX-License-Identifier: Apache-2.0
"""Whole days of capping, days on which clocks change among them: outages, restarts, and every value in its place.

PGOOD_EXAMPLES sets how many are tried (the long runs try more).
"""

from __future__ import annotations

import asyncio
import datetime
import os
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.policies.situation import Freshness
from tests.agent.energy.control_rig import FOUND_UW, LIMIT, ZONE, ControlRig

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "12"))
PARIS = ZoneInfo(ZONE)
DAYS = (
    datetime.date(2026, 3, 28),
    datetime.date(2026, 3, 29),
    datetime.date(2026, 10, 24),
    datetime.date(2026, 10, 25),
    datetime.date(2026, 12, 31),
)
"""Before and on days of 92 and 100 quarters, and before a new year."""
STALE_S = 6 * 3600
"""As the rig's feed has it."""
STEP = st.tuples(st.sampled_from(["go on", "go on", "outage", "back", "kill"]), st.integers(60, 9 * 3600))


def value(quarter: int) -> float:
    """Each quarter of a day has its own; the first is the largest."""
    return 200.0 - quarter


def quarter_of(now_s: float) -> tuple[datetime.date, int]:
    """The local day and which quarter of it, counted in real time."""
    day = datetime.datetime.fromtimestamp(now_s, PARIS).date()
    midnight_s = datetime.datetime.combine(day, datetime.time(), PARIS).timestamp()
    return day, int((now_s - midnight_s) // 900)


def end_s(day: datetime.date) -> float:
    return datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), PARIS).timestamp()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(DAYS), st.integers(0, 86_399), st.lists(STEP, min_size=5, max_size=40))
def test_days_of_prices(day: datetime.date, begin_s: int, steps: list[tuple[str, int]]) -> None:
    """The limit in force is that of this very quarter, an older day's within its age, or the safe one."""

    async def story(folder: Path) -> None:
        rig = ControlRig(folder, value, dead_band_w=0, apply_s=60)
        rig.now_s = datetime.datetime.combine(day, datetime.time(), PARIS).timestamp() + begin_s
        known: set[datetime.date] = set()
        for what, seconds in steps:
            if what == "kill":
                await rig.kill()
                assert rig.limit_w == FOUND_UW / 1e6
            elif what != "go on":
                rig.source.down = what == "outage"
            asked = len(rig.source.asked)
            limit_w = await rig.look(seconds)
            if not rig.source.down:
                known.update(rig.source.asked[asked:])
            today, quarter = quarter_of(rig.now_s)
            freshness = rig.feed.view(rig.now_s).freshness
            if today in known:
                assert freshness is Freshness.FRESH
                assert limit_w == pytest.approx(max(40 * value(quarter) / value(0), 10), abs=1e-5)
            elif any(0 <= rig.now_s - end_s(one) < STALE_S for one in known):
                assert 10 <= limit_w <= 40
            else:
                assert freshness is Freshness.EXPIRED
                assert limit_w == 10
            written = [int(text) for file, text in rig.kernel.written if file == LIMIT]
            assert all(10_000_000 <= one <= 40_000_000 or one == FOUND_UW for one in written)
        await rig.agent.close()
        assert rig.limit_w == FOUND_UW / 1e6
        assert not (folder / "restore.json").exists()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder)))
