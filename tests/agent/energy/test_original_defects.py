# SPDX-License-Identifier: Apache-2.0
"""What went wrong in the programs that this part takes after; each test shows that ours does not have it.

The first part is of menraromial/powercap, the second of a sketch of a frequency and emergency controller.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import os
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from agent.energy.actuators.held import Held
from agent.energy.actuators.interface import Answer
from agent.energy.actuators.powercap import Powercap
from agent.energy.cron import parse_cron
from agent.energy.day_store import VOLUME, DayStore, parse_periods
from agent.energy.decide import Smoothing, decide
from agent.energy.feed import SignalFeed
from agent.energy.feeds import make_source
from agent.energy.frequency.boost import Boost, BoostRefused, ask, still
from agent.energy.frequency.power_curve import PowerCurve
from agent.energy.frequency.workload import Levels, Workload, WorkloadState, step
from agent.energy.original_environment import settings_from
from agent.energy.policies.carbon import CarbonBudgetPolicy
from agent.energy.policies.limits import SupplyPolicy, ThermalPolicy
from agent.energy.policies.situation import CapRange, Freshness, HeatView, Proposal, SignalView, Situation
from agent.energy.policies.volume import Reference, VolumePolicy
from agent.energy.restore_file import RestoreFile
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalSource
from agent.energy.signals.table import SignalTable
from agent.energy.slots import day_slot, quarters, wall_minute
from tests.agent.energy.sysfs_tree import UW, FakeKernel, SysfsTree

if TYPE_CHECKING:
    from pathlib import Path

ZONE = "Europe/Paris"
DAY = datetime.date(2025, 10, 9)
RANGE = CapRange(min_w=10.0, max_w=40.0, safe_w=15.0)
AT_ONCE = Smoothing()
LONG, SHORT = "constraint_0_power_limit_uw", "constraint_1_power_limit_uw"
HEADER = "Period,Volume (MWh),Price (€/MWh)\n"


def label(minute: int) -> str:
    """As powercap stores it: the last one of a day ends at 24:00."""
    end = minute + 15
    return f"{minute // 60:02}:{minute % 60:02}-{end // 60:02}:{end % 60:02}"


def original_file(folder: Path, day: datetime.date) -> str:
    """The volume of each quarter is 20 MWh, of the last one 120.6."""
    rows = [f"{label(minute)},{120.6 if minute == 1425 else 20},50" for minute in range(0, 1440, 15)]
    (folder / f"epex_data_{day}.csv").write_text(HEADER + "\n".join(rows) + "\n")
    return str(folder / "epex_data_{day}.csv")


def volumes(kind: str, **options: object) -> SignalSource:
    return make_source("volume", SignalTable(kind=kind, zone=ZONE, options={"unit": "MWh", **options}))


def at(day: datetime.date, hour: int, minute: int, zone: str = ZONE) -> float:
    return datetime.datetime.combine(day, datetime.time(hour, minute), ZoneInfo(zone)).timestamp()


def cap_at(feed: SignalFeed, now_s: float, reference: Reference = Reference.MAXIMUM) -> float:
    situation = Situation(now_s, day_slot(DAY, ZONE).end_utc_s, RANGE, {"volume": feed.view(now_s)})
    proposal = VolumePolicy("volume", "volume", reference).propose(situation)
    return decide([proposal], RANGE, AT_ONCE, None, 0.0).cap_w


# ---------------------------------------------------------------------- 1: the last quarter of the day


def test_the_last_quarter_of_the_day_follows_its_own_row(tmp_path: Path) -> None:
    """It fell to the least cap, because its label was computed as 23:45-00:00 and stored as 23:45-24:00."""
    now_s = at(DAY, 23, 50)
    source = volumes("file", pattern=original_file(tmp_path, DAY))
    feed = SignalFeed(source, DayStore(tmp_path / "store"), lambda: now_s)
    assert asyncio.run(feed.step())
    assert cap_at(feed, now_s) == RANGE.max_w
    assert cap_at(feed, at(DAY, 23, 40)) == RANGE.min_w


# ---------------------------------------------------------------------- 2: the second midnight


def test_every_midnight_brings_the_new_days_data(tmp_path: Path) -> None:
    """The refresh fired at the first midnight only; from the second on old data was applied without a word."""
    clock = [at(DAY, 0, 30)]
    source = volumes("mock")
    feed = SignalFeed(source, DayStore(tmp_path), lambda: clock[0])

    async def story() -> None:
        for number in range(30):
            day = DAY + datetime.timedelta(days=number)
            clock[0] = at(day, 0, 30)
            await feed.step()
            clock[0] = at(day, 12, 5)
            await feed.step()
            known = feed.value_at(clock[0])
            expected = (await source.fetch(day)).points
            assert known.state is Freshness.FRESH
            assert known.value == next(point.value for point in expected if point.covers(clock[0]))

    asyncio.run(story())


def test_old_data_is_said_to_be_old_and_then_not_used(tmp_path: Path) -> None:
    """Rows carried no date, so that nobody could tell."""
    source = volumes("file", pattern=original_file(tmp_path, DAY))
    clock = [at(DAY, 12, 0)]
    feed = SignalFeed(source, DayStore(tmp_path / "store"), lambda: clock[0])
    asyncio.run(feed.step())
    assert feed.value_at(clock[0]).state is Freshness.FRESH
    clock[0] = at(DAY + datetime.timedelta(days=1), 23, 50)
    assert not asyncio.run(feed.step())
    assert feed.value_at(clock[0]).state is Freshness.STALE
    assert feed.last_error
    assert cap_at(feed, clock[0]) == RANGE.max_w  # by the clock on the wall: yesterday's last quarter
    clock[0] = at(DAY + datetime.timedelta(days=2), 0, 5)
    assert feed.value_at(clock[0]).state is Freshness.EXPIRED
    assert cap_at(feed, clock[0]) == RANGE.safe_w


# ---------------------------------------------------------------------- 3: settings without an effect


def test_the_mode_average_changes_the_cap(tmp_path: Path) -> None:
    """POWER_CALC_MODE was parsed and never used."""
    now_s = at(DAY, 12, 0)
    feed = SignalFeed(
        volumes("file", pattern=original_file(tmp_path, DAY)),
        DayStore(tmp_path / "store"),
        lambda: now_s,
    )
    asyncio.run(feed.step())
    modes = [settings_from({"POWER_CALC_MODE": text}).reference for text in ("max", "average")]
    caps = [cap_at(feed, now_s, mode) for mode in modes if mode is not None]
    mean = (95 * 20 + 120.6) / 96
    assert caps == [RANGE.min_w, pytest.approx(20 / mean * RANGE.max_w)]


def test_the_refresh_time_is_a_time() -> None:
    """DATA_REFRESH_CRON was parsed and never used: every day at 13:00, over the change of the clocks too."""
    text = settings_from({"DATA_REFRESH_CRON": "0 13 * * *"}).refresh_cron
    assert text is not None
    refresh = parse_cron(text)
    now_s = at(datetime.date(2026, 3, 27), 13, 0)
    for number in range(1, 4):
        now_s = refresh.next_after(now_s, ZONE)
        assert now_s == at(datetime.date(2026, 3, 27) + datetime.timedelta(days=number), 13, 0)


def test_the_largest_power_is_the_one_that_is_given() -> None:
    """MAX_SOURCE was documented and unused."""
    settings = settings_from({"MAX_SOURCE": "40000000", "RAPL_MIN_POWER": "10000000"})
    assert settings.max_w is not None
    assert settings.min_w is not None
    limits = CapRange(settings.min_w, settings.max_w, settings.min_w)
    point = SignalPoint(0, 900, 65.5)
    view = SignalView(Freshness.FRESH, (point,), (point, SignalPoint(900, 900, 120.6)))
    proposal = VolumePolicy("volume", "volume").propose(Situation(0.0, 86400.0, limits, {"volume": view}))
    assert decide([proposal], limits, AT_ONCE, None, 0.0).cap_w == pytest.approx(21.72, abs=0.005)


# ---------------------------------------------------------------------- 4: days of 92 and 100 quarters; one bad cell


def test_both_hours_of_the_same_name_keep_their_own_rows() -> None:
    """Labels that come twice hit the first row both times."""
    day = datetime.date(2026, 10, 25)
    minutes = [wall_minute(slot.start_utc_s, ZONE) for slot in quarters(day, ZONE)]
    assert (len(minutes), minutes.count(120)) == (100, 2)
    text = HEADER + "".join(f"{label(minute)},{row},50\n" for row, minute in enumerate(minutes))
    points = parse_periods(text, "f", day, ZONE, VOLUME)
    assert [point.value for point in points] == [float(row) for row in range(100)]
    assert [point.start_s for point in points] == [slot.start_utc_s for slot in quarters(day, ZONE)]


def test_an_hour_that_is_left_out_shifts_nothing() -> None:
    day = datetime.date(2026, 3, 29)
    slots = quarters(day, ZONE)
    text = HEADER + "".join(
        f"{label(wall_minute(slot.start_utc_s, ZONE))},{row},50\n" for row, slot in enumerate(slots)
    )
    points = parse_periods(text, "f", day, ZONE, VOLUME)
    assert [(point.start_s, point.value) for point in points] == [
        (slot.start_utc_s, float(row)) for row, slot in enumerate(slots)
    ]
    assert parse_periods(text + f"{label(120)},1,50\n", "f", day, ZONE, VOLUME) == points
    with pytest.raises(SignalError, match="03:00"):
        parse_periods(text + f"{label(180)},1,50\n", "f", day, ZONE, VOLUME)


def test_a_row_that_is_missing_shifts_no_other() -> None:
    """Cells were matched by their position."""
    rows = {minute: f"{label(minute)},{minute},50\n" for minute in range(0, 1440, 15)}
    del rows[600]
    points = parse_periods(HEADER + "".join(rows.values()), "f", DAY, ZONE, VOLUME)
    assert len(points) == 95
    assert all(point.value == wall_minute(point.start_s, ZONE) for point in points)


# ---------------------------------------------------------------------- 5: limits, restore, files, conflicts


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    tree = SysfsTree(tmp_path / "sys")
    tree.control_type()
    return tree


def test_two_sockets_share_one_cap_and_keep_their_short_term_limits(tree: SysfsTree) -> None:
    """Each constraint of each package got the whole cap."""
    packages = [tree.package(number) for number in range(2)]
    short = [tree.number(f"{package}/{SHORT}") for package in packages]
    assert Powercap(FakeKernel(tree.root)).apply(40.0).answer is Answer.DONE
    assert sum(tree.number(f"{package}/{LONG}") for package in packages) == 40 * UW
    assert [tree.number(f"{package}/{SHORT}") for package in packages] == short


def test_the_largest_cap_is_no_peak_limit_of_some_zone(tree: SysfsTree) -> None:
    """The node's maximum was the largest number found in any file of any zone."""
    package = tree.package(0, max_w=65)
    tree.files(package, {"constraint_2_name": "peak_power", "constraint_2_power_limit_uw": 500 * UW})
    tree.files("class/powercap/intel-rapl:1", {"name": "psys", "constraint_0_name": "long_term"})
    tree.write("class/powercap/intel-rapl:1/constraint_0_max_power_uw", 900 * UW)
    limits = Powercap(FakeKernel(tree.root)).range_w()
    assert limits is not None
    assert limits[1] == 65.0


def test_limits_are_as_they_were_found_when_the_agent_ends(tree: SysfsTree, tmp_path: Path) -> None:
    """Nothing was given back."""
    tree.package(0)
    before = tree.everything()
    held = Held(Powercap(FakeKernel(tree.root)), RestoreFile(tmp_path / "restore.json", boot="b"))
    held.apply(20.0)
    assert tree.everything() != before
    held.close()
    assert tree.everything() == before


def test_a_days_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day was written over in place."""
    store = DayStore(tmp_path)
    good = asyncio.run(volumes("mock", seed=1).fetch(DAY))
    store.write(DAY, good)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    other = asyncio.run(volumes("mock", seed=2).fetch(DAY))
    with pytest.raises(OSError, match="No space"):
        store.write(DAY, other)
    found = store.read("volume", DAY)
    assert found is not None
    assert found.points == good.points


# A conflict (409) that was not tried again: tests/agent/energy/kubernetes/test_publisher.py,
# test_409_reads_and_writes_again_a_few_times; so is PATCH in place of a PUT of the whole node.


# ---------------------------------------------------------------------- the sketch


def test_a_better_frequency_may_be_a_higher_one() -> None:
    """Cubic power over linear work made every higher frequency look worse: the static power was left out."""
    curve = PowerCurve(static_w=20.0, k=1.25)
    assert curve.optimal_ghz == pytest.approx(2.0)

    def joules_for_work(ghz: float) -> float:
        return curve.watts(ghz) / ghz

    assert joules_for_work(2.0) < joules_for_work(1.0)
    assert joules_for_work(2.0) < joules_for_work(3.0)


def test_grams_are_of_an_hour() -> None:
    """W x g/kWh / 1000 was taken for grams per second: a day's total was 3600 times too large."""
    whole = day_slot(DAY, ZONE)
    points = tuple(SignalPoint(slot.start_utc_s, slot.duration_s, 400.0) for slot in quarters(DAY, ZONE))
    view = SignalView(Freshness.FRESH, points, points)
    situation = Situation(float(whole.start_utc_s), whole.end_utc_s, CapRange(10.0, 200.0, 10.0), {"carbon": view})
    hundred_watts_a_day_g = 100.0 * 24 / 1000 * 400
    proposal = CarbonBudgetPolicy("budget", "carbon", hundred_watts_a_day_g).propose(situation)
    assert proposal.cap_w == pytest.approx(100.0)


def test_a_class_of_work_changes_on_an_edge_and_not_at_every_look() -> None:
    """Fields for hysteresis were there, and every poll fired again."""
    levels = Levels(steady=0.15, busy=0.7, hysteresis=0.05, hold_s=0.0)
    state, changes = WorkloadState(Workload.BUSY), 0
    for number in range(100):
        after = step(state, 0.69 if number % 2 else 0.71, float(number), levels)
        changes += after.workload is not state.workload
        state = after
    assert changes == 0
    assert step(state, 0.60, 100.0, levels).workload is Workload.STEADY


def test_a_boost_is_granted_out_of_what_is_there_and_ends() -> None:
    """It was granted as twice the peak, with no look at the budget."""
    assert isinstance(ask(60.0, 100.0, 50.0, 0.0), BoostRefused)
    assert isinstance(ask(60.0, 100.0, None, 0.0), BoostRefused)
    boost = ask(60.0, 40.0, 50.0, 0.0)
    assert isinstance(boost, Boost)
    assert still(boost, 10.0, 59.0) is boost
    assert still(boost, 10.0, 60.0) is None
    assert still(boost, -1.0, 1.0) is None


def test_no_wish_raises_the_cap_above_what_the_supplies_give() -> None:
    situation = Situation(0.0, 86400.0, RANGE, node_w=25.0, headroom_w=5.0)
    wishes = [Proposal("greedy", 1e9, ""), SupplyPolicy().propose(situation)]
    assert decide(wishes, RANGE, Smoothing(raise_w_per_s=1e9), 40.0, 1.0).cap_w == 30.0
    assert decide(wishes[:1], RANGE, AT_ONCE, None, 0.0).cap_w == RANGE.max_w


def test_an_emergency_cuts_at_once_and_down_to_the_floor_only() -> None:
    """It had no floor; here the least cap is one, and neither slew nor dead-band delays it."""
    hot = ThermalPolicy().propose(
        dataclasses.replace(Situation(0.0, 86400.0, RANGE), heat={"thermal": HeatView(None, "hot", hot=True)})
    )
    slow = Smoothing(lower_w_per_s=0.1, dead_band_w=5.0)
    assert decide([hot], RANGE, slow, 40.0, 1.0).cap_w == RANGE.min_w


def test_a_day_that_says_its_date_is_not_taken_for_another(tmp_path: Path) -> None:
    """Days are kept by date: what was stored for one day is never read as the next one's."""
    store = DayStore(tmp_path)
    data: SignalDay = asyncio.run(volumes("mock").fetch(DAY))
    store.write(DAY, data)
    assert store.read("volume", DAY + datetime.timedelta(days=1)) is None
