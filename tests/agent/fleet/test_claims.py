# SPDX-License-Identifier: Apache-2.0
"""Never two holders by their own clocks: claimants stop, lose their connection, are slow; one topic orders all."""

from __future__ import annotations

import os
import random
from collections import deque
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fleet.claims import DRIFT, HIGHEST, MEMORY, Claim, Claims, read_claim

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "300"))
SECOND_NS = 1_000_000_000
DURATION_NS = 10 * SECOND_NS


@dataclass
class Claimant:
    """Its clock is wrong by `rate` and starts anywhere. What it sent and what it has yet to read are queues."""

    name: str
    rate: float
    offset_ns: int
    claims: Claims = field(init=False)
    sending: deque[bytes] = field(default_factory=deque)
    reading: deque[bytes | None] = field(default_factory=deque)
    """None = the subscription is confirmed."""
    connected: bool = False
    starts: int = 0
    held: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As after kill -9: everything is forgotten, but what is under way to the broker may still arrive."""
        self.starts += 1
        self.reading.clear()
        self.connected = False
        self.claims = Claims(f"{self.name}:{self.starts}", DURATION_NS)

    def clock(self, now_ns: int) -> int:
        return self.offset_ns + round(now_ns * self.rate)


@dataclass
class Topic:
    """A broker that orders claims, keeps the last one or forgets it, and delivers as late as chance wants."""

    chance: random.Random
    claimants: list[Claimant]
    now_ns: int = 0
    kept: bytes | None = None
    revisions: list[int] = field(default_factory=list)
    last: str = ""

    def connect(self, one: Claimant) -> None:
        one.connected = True
        one.reading.clear()
        if self.kept is not None:
            one.reading.append(self.kept)
        one.reading.append(None)

    def cut(self, one: Claimant) -> None:
        """What was sent may still arrive; what was not read is lost."""
        one.connected = False
        one.reading.clear()
        if self.chance.random() < 0.5:
            one.sending.clear()
        one.claims.cut_off()

    def arrive(self, one: Claimant) -> None:
        if one.sending:
            payload = one.sending.popleft()
            self.kept = payload
            for other in self.claimants:
                if other.connected:
                    other.reading.append(payload)

    def read(self, one: Claimant) -> None:
        if one.reading:
            payload = one.reading.popleft()
            now_ns = one.clock(self.now_ns)
            if payload is None:
                one.claims.subscribed(now_ns)
            else:
                one.claims.hear(payload, now_ns)

    def step(self, one: Claimant, act: int) -> None:
        now_ns = one.clock(self.now_ns)
        if act == 0:
            claim = one.claims.claim(now_ns)
            if claim is not None:
                if self.kept is not None and one.claims.holds(now_ns) is None and one.connected:
                    one.reading.append(self.kept)  # as the bus asks again for what is retained
                one.sending.append(msgspec.json.encode(claim))
        elif act == 1:
            self.arrive(one)
        elif act == 2:
            self.read(one)
        elif act == 3:
            self.connect(one) if not one.connected else self.cut(one)
        elif act == 4:
            one.claims.give_up()
        elif act == 5:
            back = one.claims.give_back(now_ns)
            if back is not None:
                one.sending.append(msgspec.json.encode(back))
        elif act == 6:
            one.restart()
        elif act == 7:
            self.restart_broker(keeps=self.chance.random() < 0.5)

    def flow(self) -> None:
        """Most of what is under way comes through, and most of those who are away come back."""
        for one in self.claimants:
            if not one.connected and self.chance.random() < 0.7:
                self.connect(one)
            if self.chance.random() < 0.8:
                self.arrive(one)
        for one in self.claimants:
            while one.reading and self.chance.random() < 0.9:
                self.read(one)

    def restart_broker(self, keeps: bool) -> None:
        self.kept = self.kept if keeps else None
        for other in self.claimants:
            self.cut(other)

    def check(self) -> None:
        holders = [one for one in self.claimants if one.claims.holds(one.clock(self.now_ns)) is not None]
        assert len(holders) <= 1, [one.name for one in holders]
        for one in holders:
            one.held += 1


ACTS = (0, 1, 2)
RARE = (3, 4, 5, 6, 7)


def world(seed: int, count: int) -> Topic:
    chance = random.Random(seed)
    rates = [chance.choice((1 - DRIFT, 1.0, 1 + DRIFT)) for _ in range(count)]
    topic = Topic(chance, [Claimant(f"c{i}", rate, chance.randrange(10**15)) for i, rate in enumerate(rates)])
    for one in topic.claimants:
        topic.connect(one)
    return topic


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 4), st.floats(0.0, 0.2))
def test_never_two_holders(seed: int, count: int, trouble: float) -> None:
    topic = world(seed, count)
    chance = topic.chance
    for _ in range(400):
        one = chance.choice(topic.claimants)
        topic.step(one, chance.choice(RARE if chance.random() < trouble else ACTS))
        topic.check()
        if chance.random() < 0.5:
            topic.flow()
        topic.check()
        topic.now_ns += chance.choice((0, 0, 1, 10**6, 10**8, SECOND_NS, chance.randrange(12 * SECOND_NS)))
        topic.check()


def test_in_fair_weather_somebody_holds_nearly_always_and_a_frozen_one_is_followed() -> None:
    topic = world(1, 3)
    frozen: Claimant | None = None
    frozen_ns = followed_ns = 0
    for tick in range(3000):
        topic.now_ns += SECOND_NS // 10
        awake = [one for one in topic.claimants if one is not frozen]
        for one in awake:
            if tick % 30 == 10 * topic.claimants.index(one):
                topic.step(one, 0)
            topic.arrive(one)
        for one in awake:
            while one.reading:
                topic.read(one)
        topic.check()
        held = [one for one in topic.claimants if one.claims.holds(one.clock(topic.now_ns)) is not None]
        if tick == 500:
            (frozen,), frozen_ns = held, topic.now_ns
        elif frozen is not None and not followed_ns and held and held != [frozen]:
            followed_ns = topic.now_ns
        elif tick == 1500:
            frozen = None
    assert 0 < followed_ns - frozen_ns <= DURATION_NS * (1 + 4 * DRIFT) + 3 * SECOND_NS, "the lease's time and a cycle"
    assert sum(one.held for one in topic.claimants) > 2700


def listening(name: str = "a") -> Claims:
    claims = Claims(name, DURATION_NS)
    claims.subscribed(0)
    return claims


def later(seconds: float) -> int:
    return round(seconds * SECOND_NS)


def sent(claim: Claim | None) -> bytes:
    assert claim is not None
    return msgspec.json.encode(claim)


def test_a_newcomer_listens_first_for_as_long_as_a_claim_may_last() -> None:
    claims = listening()
    assert claims.claim(DURATION_NS) is None
    claim = claims.claim(later(10.3))
    assert claim is not None
    assert claims.holds(later(10.3)) is None, "not before it came back"
    claims.hear(sent(claim), later(10.4))
    hold = claims.holds(later(20.1))
    assert hold is not None
    assert (hold.revision, hold.until_ns) == (1, later(10.3) + round(DURATION_NS * (1 - DRIFT)))
    assert claims.holds(later(20.2)) is None


def test_a_claim_that_another_came_before_is_void() -> None:
    one, two = listening("one"), listening("two")
    first, second = sent(one.claim(later(11))), sent(two.claim(later(11)))
    for payload in (first, second):
        one.hear(payload, later(11.1))
        two.hear(payload, later(11.1))
    assert one.holds(later(11.1)) is not None
    assert two.holds(later(11.1)) is None
    assert two.claim(later(20)) is None


def test_given_back_is_free_at_once_and_the_revision_rises() -> None:
    one, two = listening("one"), listening("two")
    first = sent(one.claim(later(11)))
    one.hear(first, later(11))
    two.hear(first, later(11))
    back = one.give_back(later(12))
    assert one.holds(later(12)) is None
    two.hear(sent(back), later(12.1))
    claim = two.claim(later(12.1))
    assert claim is not None
    assert claim.revision == 2
    assert one.give_back(later(13)) is None


def test_a_claim_that_a_dying_broker_told_to_its_claimant_alone_is_not_used_again() -> None:
    one, two = listening("one"), listening("two")
    one.hear(sent(one.claim(later(11))), later(11))
    first = one.holds(later(11))
    assert first is not None
    two.cut_off()
    two.cut_off()  # while it dials
    two.subscribed(later(12))
    two.hear(sent(two.claim(later(30))), later(30))
    second = two.holds(later(30))
    assert second is not None
    assert second.revision > first.revision


def test_a_claim_that_comes_back_after_it_was_given_up_holds_nothing() -> None:
    claims = listening()
    payload = sent(claims.claim(later(11)))
    claims.give_up()
    claims.hear(payload, later(12))
    assert claims.holds(later(12)) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 5000,
        b'{"claimant":"b","number":1,"revision":1,"duration_ms":NaN}',
        b'{"claimant":"b","number":-1,"revision":1,"duration_ms":10000}',
        b'{"claimant":"b","number":1,"revision":1,"duration_ms":3600001}',
        b'{"claimant":"","number":1,"revision":1,"duration_ms":10000}',
        b'{"claimant":"b","number":1,"revision":1,"duration_ms":10000,"more":1}',
    ],
)
def test_what_is_no_claim_is_counted_and_changes_nothing(payload: bytes) -> None:
    assert read_claim(payload) is None
    claims = listening()
    claims.hear(payload, later(5))
    assert claims.malformed == 1
    assert claims.claim(later(11)) is not None


def test_a_crowd_of_claimants_fills_no_memory_and_is_waited_for() -> None:
    claims = listening()
    for number in range(MEMORY * 3):
        rival = Claim(claimant=f"r{number}", number=1, revision=1, duration_ms=10_000)
        claims.hear(sent(rival), later(5) + number)
    assert len(claims._rivals) == MEMORY
    assert claims.claim(later(15)) is None
    assert claims.claim(later(15.3)) is not None


def test_the_last_revision_is_the_end() -> None:
    claims = listening()
    claims.hear(sent(Claim(claimant="b", number=1, revision=HIGHEST, duration_ms=0)), 1)
    assert claims.claim(later(11)) is None
    assert claims.spent
