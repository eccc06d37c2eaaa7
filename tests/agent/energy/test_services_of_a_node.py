# SPDX-License-Identifier: Apache-2.0
"""Heat, reports, planning, timed refreshes and documents over one controller that caps."""

from __future__ import annotations

import asyncio
import datetime
import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import pytest

from agent.board.energy.battery import soft_off
from agent.board.energy.documents import energy_document, energy_problems, energy_readings
from agent.board.energy.heat import zone_now
from agent.board.energy.node import node_facts
from agent.energy.battery import BatteryPhase, BatteryState
from agent.energy.cron import parse_cron
from agent.energy.heat import Heat, ZoneNow
from agent.energy.kubernetes.publication import PublishState
from agent.energy.meters.interface import Quantity, Reading
from agent.energy.meters.meter_set import Measured
from agent.energy.planning import Planning, UnknownSignal
from agent.energy.policy_tables import ThermalTable
from agent.energy.reporting import Reporting
from agent.energy.signals.interface import SignalUnit
from agent.energy.sysfs import Sysfs
from agent.energy.timed_refresh import TimedRefresh
from agent.energy.work_hours import KEY, CpuSeconds, WorkHours
from agent.power.request import Action, Reply, Verdict
from agent.thermal.zone import Trip
from tests.agent.energy.control_rig import NOON_S, ZONE, ControlRig, Scale, Store

if TYPE_CHECKING:
    from pathlib import Path

    from agent.board.energy.service import BoardEnergy
    from agent.board.services import Services

NODE = Quantity.NODE_W


def measured(watts: float | None) -> Measured:
    return Measured() if watts is None else Measured({NODE: Reading(NODE, watts, "scale", False, 0)})


# -------------------------------------------------------------------- heat


def heat(zone: list[ZoneNow], trip_c: float | None = None) -> Heat:
    return Heat([ThermalTable(zone="cpu", trip_c=trip_c)], lambda name: zone[0])


@pytest.mark.parametrize(
    ("zone", "trip_c", "hot", "lost", "told"),
    [
        (ZoneNow(50, None), None, False, False, "no passive or hot trip: give trip_c"),
        (ZoneNow(None, 90), None, False, True, "no sensor of zone cpu reads"),
        (ZoneNow(90, 90), None, True, False, "zone cpu is at 90 of 90 C"),
        (ZoneNow(80, 90), 75, True, False, "zone cpu is at 80 of 75 C"),
        (ZoneNow(50, 90), None, False, False, "no model yet"),
    ],
)
def test_what_a_zone_says(zone: ZoneNow, trip_c: float | None, hot: bool, lost: bool, told: str) -> None:
    view = heat([zone], trip_c).look(measured(100), 0)["thermal"]
    assert (view.hot, view.lost, view.limit_w) == (hot, lost, None)
    assert told in view.why


def test_a_zone_that_was_watched_allows_a_power() -> None:
    """20 C + 0.2 C/W, 300 s: 90 C are kept away by 350 W for ever, and by a little more for ten minutes."""
    zone, celsius = [ZoneNow(20.0, 90.0, 40.0)], 20.0
    eyes = heat(zone)
    for look in range(3000):
        watts = 300.0 if look // 120 % 2 else 100.0
        celsius += (20 + 0.2 * watts - celsius) * (1 - math.exp(-5 / 300))
        zone[0] = ZoneNow(celsius, 90.0, 40.0)
        view = eyes.look(measured(watts), look * 5 * 10**9)["thermal"]
    assert view.limit_w is not None
    assert 320 < view.limit_w < 420
    assert eyes.trip_c("cpu") == 90


def test_a_zone_of_the_board_is_its_lowest_trip_against_heat_and_its_fastest_fan() -> None:
    rules = SimpleNamespace(trips={Trip.ACTIVE: None, Trip.HOT: SimpleNamespace(celsius=100.0)})
    zone = SimpleNamespace(rules=rules, hottest=("cpu", 61.0))
    duties = {"a": 30.0, "b": None, "c": 55.0}
    services = SimpleNamespace(
        zones=SimpleNamespace(all=lambda: {"cpu": zone}),
        fans=SimpleNamespace(
            of_zone=lambda name: [SimpleNamespace(name=fan) for fan in duties],
            view=lambda fan: SimpleNamespace(duty_percent=duties[fan]),
        ),
    )
    assert zone_now(cast("Services", services), "cpu") == ZoneNow(61.0, 100.0, 55.0)
    rules.trips[Trip.PASSIVE] = SimpleNamespace(celsius=90.0)
    zone.hottest = None
    duties.clear()
    assert zone_now(cast("Services", services), "cpu") == ZoneNow(None, 90.0, None)


# -------------------------------------------------------------------- battery


def test_only_hosts_that_are_on_are_asked_to_shut_down_and_the_answer_is_told() -> None:
    asked: list[Any] = []
    on = {"0": True, "1": False}

    def ask_many(what: str, wants: dict[str, Action], request: Any, queue: bool) -> tuple[Reply, None]:
        asked.append((what, wants, request.origin, queue))
        return Reply(Verdict.BLOCKED, "not armed"), None

    hosts = {name: SimpleNamespace(view=lambda name=name: SimpleNamespace(powered=on[name])) for name in on}
    services = cast("Services", SimpleNamespace(hosts=hosts, manager=SimpleNamespace(ask_many=ask_many)))
    assert soft_off(services, ("0", "1")) == "host 0: blocked (not armed)"
    assert asked == [("soft-off", {"0": Action.SOFT_OFF}, "energy:battery", True)]
    on["0"] = False
    assert soft_off(services, ("0", "1")) == "no host is on"
    assert len(asked) == 1


# -------------------------------------------------------------------- timed refresh


def test_signals_are_fetched_anew_at_the_time_and_only_then(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        await rig.look()
        await rig.look()
        timer = TimedRefresh(parse_cron("0 13 * * *"), ZONE, [rig.feed], lambda: rig.now_s)
        assert not timer.step()
        before = len(rig.source.asked)
        await rig.look(60)
        assert len(rig.source.asked) == before
        rig.now_s = NOON_S + 3600
        assert timer.step()
        assert not timer.step()
        await rig.look(60)
        await rig.look(60)
        today = datetime.datetime.fromtimestamp(rig.now_s, ZoneInfo(ZONE)).date()
        assert set(rig.source.asked[before:]) == {today, today + datetime.timedelta(days=1)}
        rig.now_s -= 7200  # the clock is set back: the same time comes again
        assert not timer.step()
        rig.now_s += 7200
        assert timer.step()
        await rig.agent.close()

    asyncio.run(story())


def test_a_refresh_that_breaks_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        steps: list[int] = []
        timer = TimedRefresh(parse_cron("0 13 * * *"), ZONE, [], lambda: NOON_S)

        def broken() -> bool:
            steps.append(1)
            raise OverflowError

        monkeypatch.setattr(timer, "step", broken)
        monkeypatch.setattr("agent.energy.timed_refresh.LOOK_S", 0.001)
        task = asyncio.create_task(timer.run())
        while len(steps) < 3:
            await asyncio.sleep(0.001)
        assert not task.done()
        task.cancel()

    asyncio.run(story())


# -------------------------------------------------------------------- work


@pytest.mark.parametrize("kept", [{}, [], "x", {"unit": "jobs", "hours": []}, {"unit": "jobs", "hours": {"x": 1}}])
def test_stored_work_of_any_damage_is_forgotten(kept: object) -> None:
    store = Store()
    store.values[KEY] = kept
    assert WorkHours("jobs", store).between(0, 1e12) is None


def test_work_is_kept_by_the_hour_over_restarts() -> None:
    async def story() -> None:
        store = Store()
        hours = WorkHours("jobs", store)
        for minute in range(0, 121, 10):
            await hours.add(float(minute), 7200 + minute * 60)
        again = WorkHours("jobs", store)
        for known in (hours, again):
            work = known.between(7200, 14_400)
            assert work is not None
            assert (work.amount, work.unit) == (120 - 10, "jobs")  # the last ten minutes end in the third hour
        assert WorkHours("other", store).between(0, 1e12) is None

    asyncio.run(story())


def test_processor_seconds_that_cannot_be_read_are_not_known(tmp_path: Path) -> None:
    assert CpuSeconds(Sysfs(tmp_path)).count() is None
    (tmp_path / "stat").write_text("cpu 100 0 100 800 0 0 0 0\n")
    assert CpuSeconds(Sysfs(tmp_path)).count() == 2


# -------------------------------------------------------------------- reports and plans


class Priced(ControlRig):
    """The signal is a price; the night is cheap; the machine draws 100 W."""

    def __init__(self, folder: Path, unit: SignalUnit = SignalUnit.EUR_PER_MWH) -> None:
        super().__init__(folder, lambda quarter: 100.0 if quarter >= 24 else 20.0)
        self.source.unit = unit
        self.meters = [Scale(100.0)]
        self.agent = self._agent()


def test_a_report_is_of_what_was_measured_at_the_prices_of_then(tmp_path: Path) -> None:
    async def story() -> None:
        rig = Priced(tmp_path)
        begin_s = rig.now_s
        for _ in range(240):  # two hours
            await rig.look(30)
        reporting = Reporting(rig.agent, WorkHours("jobs", Store()), ZONE, 5)
        told = await reporting.report(begin_s, rig.now_s)
        assert told.quantity is NODE
        assert told.energy.wh == pytest.approx(200, rel=0.02)
        assert told.cost is not None
        assert told.cost.amount == pytest.approx(0.2 * 0.1, rel=0.02)
        assert told.carbon is None
        assert told.counts.refreshes == 2
        assert told.counts.data_availability == 1
        assert reporting.carbon_today_g("volume", rig.now_s) == 0
        await rig.agent.close()

    asyncio.run(story())


def test_carbon_of_today_is_counted_anew_each_minute(tmp_path: Path) -> None:
    async def story() -> None:
        rig = Priced(tmp_path, SignalUnit.G_PER_KWH)
        reporting = Reporting(rig.agent, WorkHours("jobs", Store()), ZONE, 5)
        grams = []
        for _ in range(120):
            await rig.look(30)
            grams.append(reporting.carbon_today_g("volume", rig.now_s))
        assert grams == sorted(grams)
        assert grams[-1] == pytest.approx(0.1 * 100, rel=0.1)
        assert 55 <= len(set(grams)) <= 62
        rig.now_s += 12 * 3600
        assert reporting.carbon_today_g("volume", rig.now_s) == 0  # of the new day nothing is drawn yet
        await rig.agent.close()

    asyncio.run(story())


def test_the_best_time_is_in_the_cheap_night(tmp_path: Path) -> None:
    async def story() -> None:
        rig = Priced(tmp_path)
        rig.now_s += 3 * 3600  # tomorrow is published
        for _ in range(3):
            await rig.look(60)
        planning = Planning(rig.agent, ZONE)
        advice = await planning.best_window("", 7200, rig.now_s, rig.now_s + 16 * 3600)
        assert (advice.signal, advice.unit) == ("volume", SignalUnit.EUR_PER_MWH)
        assert advice.window is not None
        start = datetime.datetime.fromtimestamp(advice.window.start_s, ZoneInfo(ZONE))
        assert (start.hour, advice.window.mean) == (0, 20)
        with pytest.raises(UnknownSignal, match="there is no signal 'gold'; there are: volume"):
            await planning.best_window("gold", 60, rig.now_s, rig.now_s + 7200)
        with pytest.raises(UnknownSignal):
            await planning.forecast("gold", rig.now_s, 3600)
        await rig.agent.close()

    asyncio.run(story())


def test_a_volume_is_no_reason_to_wait(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        with pytest.raises(UnknownSignal, match="no signal of price or carbon"):
            await Planning(rig.agent, ZONE).best_window("", 60, rig.now_s, rig.now_s + 7200)
        await rig.agent.close()

    asyncio.run(story())


# -------------------------------------------------------------------- documents


def test_documents_before_a_decision_and_after(tmp_path: Path) -> None:
    async def story() -> None:
        rig = Priced(tmp_path)
        publisher = SimpleNamespace(state=SimpleNamespace(state=PublishState.FORBIDDEN, reason="403", node="n"))
        battery = SimpleNamespace(state=BatteryState(BatteryPhase.RESERVE, "on battery, 5%", 0.054, 90.0))
        parts = SimpleNamespace(controller=rig.agent, battery=battery, node=publisher, throttling=None)
        energy = cast("BoardEnergy", parts)
        empty = energy_document(energy)
        assert (empty["state"], empty["cap_w"], empty["policy"]) == ("starting", None, None)
        assert energy_readings(rig.agent)["cap_w"] is None
        assert node_facts(rig.agent, ZONE) is None
        await rig.look()
        told = energy_document(energy)
        assert (told["state"], told["cap_w"], told["in_force_w"]) == ("capping", 40, 40)
        assert told["battery"] == {"state": "reserve", "charge_percent": 5, "runtime_min": 2, "surplus": False}
        assert told["kubernetes"] == {"state": "forbidden", "reason": "403", "node": "n"}
        facts = node_facts(rig.agent, ZONE)
        assert facts is not None
        assert (facts.cap_w, facts.min_w, facts.max_w, facts.provider) == (40, 10, 40, "test")
        assert facts.price_eur_per_mwh is not None
        assert facts.price_eur_per_mwh.value == 100
        assert facts.volume_mwh is None
        assert dict(energy_problems(energy)) == {"energy/kubernetes": "403", "energy/battery": "on battery, 5%"}
        rig.source.down = True
        await rig.look(30 * 3600)
        await rig.look(3600)
        wrong = dict(energy_problems(energy))
        assert wrong["energy/volume"] == "expired: the exchange is closed"
        await rig.agent.close()

    asyncio.run(story())
