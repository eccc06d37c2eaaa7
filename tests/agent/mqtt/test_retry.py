# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.ending import Ending, EndingKind, connect_refusal, disconnection
from agent.mqtt.retry import (
    FIRST_S,
    JITTER,
    REFUSED_FIRST_S,
    STABLE_S,
    TAKEN_OVER_FIRST_S,
    TAKEN_OVER_LONGEST_S,
    Backoff,
    Version,
    VersionChoice,
)

UNREACHABLE = Ending(EndingKind.UNREACHABLE, "")
SILENT = Ending(EndingKind.SILENT, "")
HUNG_UP = Ending(EndingKind.HUNG_UP, "")
VERSION_REFUSED = Ending(EndingKind.VERSION_REFUSED, "")
REFUSED = Ending(EndingKind.REFUSED, "")
TAKEN_OVER = Ending(EndingKind.TAKEN_OVER, "", 5.0)
LOST_LATE = Ending(EndingKind.LOST, "", STABLE_S)

ENDINGS = st.builds(Ending, st.sampled_from(EndingKind), st.just(""), st.sampled_from([0.0, 0.5, 20.0, 100.0]))


def no_chance() -> float:
    return 0.0


def test_waits_double_up_to_a_minute_and_start_small_after_a_good_link() -> None:
    backoff = Backoff(no_chance)
    assert [backoff.after(UNREACHABLE, Version.V5) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.after(LOST_LATE, Version.V5) == FIRST_S


def test_who_needs_the_broker_soon_waits_less_but_not_after_a_refusal() -> None:
    backoff = Backoff(no_chance, 10.0)
    assert [backoff.after(UNREACHABLE, Version.V5) for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    assert backoff.after(REFUSED, Version.V5) == REFUSED_FIRST_S


def test_jitter_takes_up_to_half() -> None:
    assert Backoff(lambda: 0.999).after(UNREACHABLE, Version.V5) == pytest.approx(FIRST_S * JITTER, rel=0.01)


def test_refusals_are_retried_slowly() -> None:
    backoff = Backoff(no_chance)
    assert backoff.after(REFUSED, Version.V5) == REFUSED_FIRST_S
    assert backoff.after(REFUSED, Version.V5) == 2 * REFUSED_FIRST_S


def test_a_taken_over_session_backs_off_to_minutes() -> None:
    assert Backoff(no_chance).after(TAKEN_OVER, Version.V5) == TAKEN_OVER_FIRST_S


def test_fallback_costs_no_wait_but_refusing_both_versions_does() -> None:
    backoff = Backoff(no_chance)
    assert backoff.after(VERSION_REFUSED, Version.V5) == 0
    assert backoff.after(VERSION_REFUSED, Version.V311) == REFUSED_FIRST_S


def test_a_broker_that_restarts_often_is_met_soon() -> None:
    backoff = Backoff(no_chance)
    for _ in range(20):
        assert backoff.after(LOST_LATE, Version.V5) == FIRST_S


@given(st.lists(st.tuples(ENDINGS, st.sampled_from(Version)), max_size=30), st.floats(0, 0.999))
def test_every_wait_is_bounded(endings: list[tuple[Ending, Version]], chance: float) -> None:
    backoff = Backoff(lambda: chance)
    for ending, version in endings:
        delay_s = backoff.after(ending, version)
        assert delay_s <= TAKEN_OVER_LONGEST_S
        assert delay_s > 0 or (ending.kind is EndingKind.VERSION_REFUSED and version is Version.V5)


def test_five_first_and_the_refusal_is_remembered() -> None:
    choice = VersionChoice()
    assert choice.current.value == Version.V5.value
    choice.ended(VERSION_REFUSED)
    assert choice.current.value == Version.V311.value
    choice.accepted()
    choice.ended(LOST_LATE)
    assert choice.current.value == Version.V311.value


@pytest.mark.parametrize("choked", [HUNG_UP, SILENT])
def test_a_guess_is_remembered_when_it_was_right_twice(choked: Ending) -> None:
    choice = VersionChoice()
    for _ in range(2):
        assert choice.current.value == Version.V5.value
        choice.ended(choked)
        assert choice.current.value == Version.V311.value
        choice.accepted()
        choice.ended(LOST_LATE)
    assert choice.current.value == Version.V311.value


def test_a_broker_that_froze_for_long_does_not_lose_its_version() -> None:
    choice = VersionChoice()
    for _ in range(5):
        for _ in range(3):
            choice.ended(SILENT)
        assert choice.current.value == Version.V311.value
        choice.accepted()
        choice.ended(LOST_LATE)
        assert choice.current.value == Version.V5.value


def test_an_unreachable_broker_changes_nothing() -> None:
    choice = VersionChoice()
    choice.ended(UNREACHABLE)
    choice.ended(REFUSED)
    assert choice.current.value == Version.V5.value


def test_a_remembered_version_is_forgotten_when_the_broker_changes() -> None:
    choice = VersionChoice()
    choice.ended(VERSION_REFUSED)
    choice.ended(VERSION_REFUSED)
    assert choice.current.value == Version.V5.value
    choice.ended(VERSION_REFUSED)
    choice.ended(HUNG_UP)
    assert choice.current.value == Version.V5.value


def test_reason_codes() -> None:
    assert connect_refusal(0x84, "").kind is EndingKind.VERSION_REFUSED
    assert connect_refusal(0x87, "").kind is EndingKind.REFUSED
    assert connect_refusal(0x85, "").text == "the broker refuses the client id"
    assert connect_refusal(0x89, "Server busy").kind is EndingKind.UNAVAILABLE
    taken = disconnection(0x8E, "", by_broker=True, lasted_s=3.0)
    assert (taken.kind, taken.lasted_s) == (EndingKind.TAKEN_OVER, 3.0)
    assert "same client id" in taken.text
    assert disconnection(0x87, "", by_broker=True, lasted_s=1).kind is EndingKind.REFUSED
    assert disconnection(0x80, "Unspecified error", by_broker=False, lasted_s=1).kind is EndingKind.LOST
