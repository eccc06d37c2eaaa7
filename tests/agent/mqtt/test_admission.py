# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.admission import MAX_AGE_S, QUIET_S, REMEMBERED, Admission, Refused
from agent.mqtt.commands import Stamp
from agent.mqtt.message import Incoming

TOPIC = "host/0/set"
PLAIN = Incoming(TOPIC, b"ON")
UNIX_S = 1_800_000_000.0


@pytest.fixture
def admission() -> Admission:
    """Subscribed at 0; everything below happens at 100."""
    admission = Admission()
    admission.subscribed(0.0)
    return admission


def verdict(
    admission: Admission,
    message: Incoming = PLAIN,
    stamp: Stamp = Stamp(),  # noqa: B008 - frozen
    now_s: float = 100.0,
    unix_s: float | None = UNIX_S,
) -> Refused | None:
    refusal = admission.judge(message, stamp, now_s, unix_s)
    return None if refusal is None else refusal.verdict


def test_a_repeated_plain_word_is_a_new_request(admission: Admission) -> None:
    assert verdict(admission) is None
    assert verdict(admission) is None


@pytest.mark.parametrize("stamp", [Stamp(), Stamp(1, UNIX_S)])
@pytest.mark.parametrize("expiry_s", [None, 60])
def test_retained_and_dup_never_act(admission: Admission, stamp: Stamp, expiry_s: int | None) -> None:
    assert verdict(admission, Incoming(TOPIC, b"ON", retained=True, expiry_s=expiry_s), stamp) is Refused.RETAINED
    assert verdict(admission, Incoming(TOPIC, b"ON", duplicate=True, expiry_s=expiry_s), stamp) is Refused.DUPLICATE


def test_a_transaction_acts_once_per_topic(admission: Admission) -> None:
    assert verdict(admission, stamp=Stamp("a")) is None
    assert verdict(admission, stamp=Stamp("a")) is Refused.DUPLICATE
    assert verdict(admission, Incoming("host/1/set", b"ON"), Stamp("a")) is None
    admission.lost()
    admission.subscribed(100.0)
    assert verdict(admission, stamp=Stamp("a"), now_s=200.0) is Refused.DUPLICATE


def test_a_refused_transaction_is_not_used_up(admission: Admission) -> None:
    assert verdict(admission, stamp=Stamp("a", UNIX_S - 60)) is Refused.EXPIRED
    assert verdict(admission, stamp=Stamp("a", UNIX_S)) is None


def test_memory_of_transactions_is_bounded(admission: Admission) -> None:
    for number in range(REMEMBERED + 10):
        assert verdict(admission, stamp=Stamp(number)) is None
    assert len(admission._seen) == REMEMBERED
    assert verdict(admission, stamp=Stamp(REMEMBERED)) is Refused.DUPLICATE


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(0, None), (MAX_AGE_S, None), (MAX_AGE_S + 1, Refused.EXPIRED), (-MAX_AGE_S - 1, Refused.EXPIRED)],
)
def test_age(admission: Admission, age_s: float, expected: Refused | None) -> None:
    assert verdict(admission, stamp=Stamp(None, UNIX_S - age_s)) is expected


def test_ages_are_not_judged_while_the_clock_is_unset(admission: Admission) -> None:
    assert verdict(admission, stamp=Stamp(None, UNIX_S), unix_s=None) is None


def test_expired_message(admission: Admission) -> None:
    assert verdict(admission, Incoming(TOPIC, b"ON", expiry_s=0)) is Refused.EXPIRED
    assert verdict(admission, Incoming(TOPIC, b"ON", expiry_s=1)) is None


@pytest.mark.parametrize("now_s", [0.0, QUIET_S - 0.001])
def test_quiet_time_needs_proof_of_freshness(admission: Admission, now_s: float) -> None:
    assert verdict(admission, now_s=now_s) is Refused.TOO_EARLY
    assert verdict(admission, stamp=Stamp("a"), now_s=now_s) is Refused.TOO_EARLY
    assert verdict(admission, stamp=Stamp(None, UNIX_S), now_s=now_s, unix_s=None) is Refused.TOO_EARLY
    assert verdict(admission, stamp=Stamp(None, UNIX_S - 5), now_s=now_s) is None
    assert verdict(admission, Incoming(TOPIC, b"ON", expiry_s=10), now_s=now_s) is None


def test_quiet_until_subscribed_and_again_after_a_loss() -> None:
    admission = Admission()
    assert verdict(admission) is Refused.TOO_EARLY
    admission.subscribed(100.0)
    assert verdict(admission, now_s=100.0 + QUIET_S) is None
    admission.lost()
    assert verdict(admission, now_s=500.0) is Refused.TOO_EARLY


MESSAGES = st.builds(
    Incoming,
    topic=st.sampled_from([TOPIC, "redundancy/set"]),
    payload=st.just(b"ON"),
    retained=st.booleans(),
    duplicate=st.booleans(),
    expiry_s=st.none() | st.integers(0, 100),
)
STAMPS = st.builds(
    Stamp,
    transaction=st.none() | st.sampled_from(["a", "b", 1]),
    issued_at_s=st.none() | st.floats(UNIX_S - 100, UNIX_S + 100),
)


@given(st.lists(st.tuples(MESSAGES, STAMPS, st.floats(0, 3), st.booleans()), max_size=20))
def test_what_acts_obeys_rule_19(arrivals: list[tuple[Incoming, Stamp, float, bool]]) -> None:
    admission = Admission()
    admission.subscribed(0.0)
    acted: set[tuple[str, str | int]] = set()
    for message, stamp, now_s, clock_set in arrivals:
        if admission.judge(message, stamp, now_s, UNIX_S if clock_set else None) is not None:
            continue
        assert not message.retained
        assert not message.duplicate
        assert message.expiry_s is None or message.expiry_s > 0
        if clock_set and stamp.issued_at_s is not None:
            assert abs(UNIX_S - stamp.issued_at_s) <= MAX_AGE_S
        if now_s < QUIET_S:
            assert message.expiry_s is not None or (clock_set and stamp.issued_at_s is not None)
        if stamp.transaction is not None:
            assert (message.topic, stamp.transaction) not in acted
            acted.add((message.topic, stamp.transaction))
