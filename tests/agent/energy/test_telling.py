# SPDX-License-Identifier: Apache-2.0
"""When a cap is written, what becomes an event, and what a day looks like from now."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.energy.actuators.interface import Answer, Applied
from agent.energy.cadence import RETRY_S, TELL_EVERY_S, Told, Written, due, worth_telling
from agent.energy.decide import Decision
from agent.energy.energy_events import EnergyEvents
from agent.energy.energy_ledger import EnergyLedger
from agent.energy.history import power_history
from agent.energy.meters.interface import Quantity, Reading
from agent.energy.outlook import outlook
from agent.energy.policies.situation import CapRange, Freshness, Proposal, SignalView, Situation
from agent.energy.policies.volume import VolumePolicy
from agent.energy.signals.interface import SignalPoint
from agent.energy.slots import quarters

if TYPE_CHECKING:
    from agent.events.event import EventKind

S = 1_000_000_000
RANGE = CapRange(10, 40, 20)


@pytest.mark.parametrize(
    ("written", "cap_w", "after_s", "expected"),
    [
        (None, 20, 0, True),
        (Answer.DONE, 20, 299, False),
        (Answer.DONE, 20, 300, True),
        (Answer.DONE, 21, 0, True),
        (Answer.CLAMPED, 20, 299, False),
        (Answer.REFUSED, 21, RETRY_S - 1, False),
        (Answer.REFUSED, 20, RETRY_S, True),
        (Answer.FORBIDDEN, 20, RETRY_S, True),
        (Answer.ABSENT, 20, 1, False),
    ],
)
def test_a_cap_is_written_when_it_is_due(written: Answer | None, cap_w: float, after_s: float, expected: bool) -> None:
    last = None if written is None else Written(20, written, 5 * S)
    assert due(last, cap_w, int((5 + after_s) * S), 300) is expected


def test_a_failed_write_is_not_tried_later_than_any_other() -> None:
    assert due(Written(20, Answer.REFUSED, 0), 20, 10 * S, 10)


@pytest.mark.parametrize(
    ("policy", "cap_w", "after_s", "expected"),
    [
        ("price", 20, 3600, False),
        ("price", 21, 3600, False),
        ("price", 30, TELL_EVERY_S - 1, False),
        ("price", 30, TELL_EVERY_S, True),
        ("price", 15, 0, True),
        ("carbon", 20, TELL_EVERY_S - 1, False),
        ("carbon", 20, TELL_EVERY_S, True),
    ],
)
def test_what_is_worth_an_event(policy: str, cap_w: float, after_s: float, expected: bool) -> None:
    assert worth_telling(None, policy, cap_w, 30, 0)
    assert worth_telling(Told("price", 20, 0), policy, cap_w, 30, int(after_s * S)) is expected


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[str, ...]]] = []
        self.told = EnergyEvents(self._emit)

    def _emit(self, kind: EventKind, source: str, *arguments: str) -> None:
        self.events.append((kind.value, arguments))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]


def decision(cap_w: float) -> Decision:
    return Decision(cap_w, Proposal("price", cap_w, "it is dear"), ())


def test_a_failure_is_told_once_and_its_end() -> None:
    heard = Heard()
    for number, failure in enumerate(("", "it is locked", "it is locked", "", "")):
        heard.told.written(decision(20), RANGE, failure, number * 5 * S)
    assert heard.kinds == ["energy.cap", "energy.cap_failed", "energy.cap_works"]
    assert heard.events[0][1] == ("energy", "20.0", "price", "it is dear")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((), []),
        ((Applied(Answer.DONE, 0, 0),), ["energy.recovered"]),
        ((Applied(Answer.DONE, 0, 0), Applied(Answer.REFUSED, 0, None, "locked")), ["energy.not_recovered"]),
    ],
)
def test_what_an_agent_before_left_is_told(answers: tuple[Applied, ...], expected: list[str]) -> None:
    heard = Heard()
    heard.told.recovered(answers)
    assert heard.kinds == expected


def test_a_signal_that_goes_and_comes_back_is_told_once_each() -> None:
    heard, feeds = Heard(), {"price": SimpleNamespace(last_error="HTTP 500")}
    for freshness in ("fresh", "fresh", "stale", "stale", "expired", "expired", "fresh"):
        heard.told.signals({"price": SignalView(Freshness(freshness))}, feeds)  # type: ignore[arg-type]
    assert heard.kinds == ["energy.signal_stale", "energy.signal_expired", "energy.signal_fresh"]
    assert heard.events[0][1] == ("price", "HTTP 500")


@pytest.mark.parametrize(("day", "count"), [((2026, 3, 29), 92), ((2026, 10, 25), 100), ((2026, 6, 1), 96)])
def test_the_outlook_of_a_day_is_the_cap_of_each_quarter(day: tuple[int, int, int], count: int) -> None:
    zone = "Europe/Paris"
    slots = quarters(datetime.date(*day), zone)
    points = tuple(SignalPoint(slot.start_utc_s, 900, 200.0 - number) for number, slot in enumerate(slots))
    now_s = slots[40].start_utc_s + 7.0
    view = SignalView(Freshness.FRESH, points, points)
    found = outlook(
        [VolumePolicy("volume", "volume")], Situation(now_s, slots[-1].end_utc_s, RANGE, {"volume": view}), zone
    )
    assert [one.start_s for one in found] == [slot.start_utc_s for slot in slots]
    assert len(found) == count
    assert [one.cap_w for one in found] == pytest.approx([40 * (200 - number) / 200 for number in range(count)])


class Broken:
    name = "broken"

    def propose(self, situation: Situation) -> Any:
        raise ZeroDivisionError


def test_an_outlook_with_a_broken_policy_is_the_safe_cap() -> None:
    now_s = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC).timestamp()
    found = outlook([Broken()], Situation(now_s, now_s + 3600, RANGE), "UTC")
    assert {(one.cap_w, one.policy) for one in found} == {(20.0, "broken")}


def test_power_of_hours_is_what_was_measured_for_nearly_all_of_them() -> None:
    ledger = EnergyLedger(ZoneInfo("UTC"))
    for second in range(0, 9000, 60):  # two hours and a half
        reading = Reading(Quantity.NODE_W, 100.0 if second < 3600 else 50.0, "psys", False, second * S)
        ledger.add({Quantity.NODE_W: reading}, 1_800_000_000 + second)
    found = power_history(ledger, Quantity.NODE_W)
    assert [(one.start_s, one.duration_s) for one in found] == [(1_800_000_000, 3600), (1_800_003_600, 3600)]
    assert [one.value for one in found] == pytest.approx([100, 50], abs=1)
    assert power_history(ledger, Quantity.CPU_W) == ()


POINTS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=20)


@given(POINTS, st.floats(-10, 1000))
def test_the_value_of_now_is_found_as_by_looking_at_each(gaps: list[tuple[int, int]], now_s: float) -> None:
    points: list[SignalPoint] = []
    end_s = 0
    for gap, length in gaps:
        points.append(SignalPoint(end_s + gap, length, float(len(points))))
        end_s += gap + length
    view = SignalView(Freshness.FRESH, tuple(points), tuple(points[:5]))
    assert view.at(now_s) == next((one for one in points if one.covers(now_s)), None)
    assert view.of_day_at(now_s) == next((one for one in points[:5] if one.covers(now_s)), None)
