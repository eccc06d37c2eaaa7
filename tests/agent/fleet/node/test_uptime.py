# SPDX-License-Identifier: Apache-2.0
"""Uptime is right to one heartbeat, whatever crashes, repeats or jumps; and heartbeats depend on nothing."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.documents import Heartbeat
from agent.fleet.node.heartbeat import AGAIN_NS, INTERVAL_NS, Pulse
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.uptime import MAX_BOOTS, Uptime

S = 1_000_000_000


def beat(start: int, uptime_s: float, boot: str = "") -> Heartbeat:
    return Heartbeat(
        node="bee",
        segment="hall",
        boot=boot or f"boot-{start}",
        start=start,
        number=1,
        uptime_ns=int(uptime_s * S),
        interval_ns=INTERVAL_NS,
    )


def count(known: Uptime, document: Heartbeat, now_s: float) -> Uptime:
    after = known.heartbeat(document, int(now_s * S))
    assert isinstance(after, Uptime), after
    return after


lives = st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 4000)), min_size=1, max_size=8)


@given(lives, st.integers(0, 2**32), st.sampled_from([0.0, 0.3]))
def test_right_to_one_heartbeat_per_crash(stretches: list[tuple[int, int]], seed: int, duplicates: float) -> None:
    """Each stretch ends in a crash: what was not told yet is lost, less than one interval of it."""
    chance, now_s, known, true_s = random.Random(seed), 1000.0, Uptime(), 0
    for start, (up_s, off_s) in enumerate(stretches, 1):
        pulse, booted_s = Pulse("bee", "hall", f"boot-{start}", start), now_s
        for second in range(0, up_s + 1, 5):
            pulse, document = pulse.step(second * S, second * S)
            if document is not None:
                for _ in range(2 if chance.random() < duplicates else 1):
                    known = count(known, document, booted_s + second + chance.uniform(0, 2))
        true_s += up_s
        now_s = booted_s + up_s + off_s + 2
    lost_s = true_s - known.total_ns / S
    assert 0 <= lost_s <= len(stretches) * (INTERVAL_NS / S + 5)


def test_late_and_repeated_ones_count_once() -> None:
    known = Uptime()
    for now_s, uptime_s in [(10, 5), (70, 65), (71, 5), (72, 65), (130, 125), (131, 125)]:
        known = count(known, beat(1, uptime_s), now_s)
    assert known.total_ns == 125 * S


def test_a_restart_of_the_program_is_the_same_boot() -> None:
    known = count(Uptime(), beat(1, 100, "k"), 100)
    known = count(known, beat(2, 160, "k"), 160)
    assert known.total_ns == 160 * S


def test_a_restart_of_whoever_counts_loses_nothing() -> None:
    known = count(Uptime(), beat(1, 100), 5000).restored()
    known = count(known, beat(1, 7000), 3)
    assert known.total_ns == 7000 * S


def test_uptime_that_grows_faster_than_time_is_refused_however_small_the_steps() -> None:
    known, refused = Uptime(), 0
    for step in range(1000):
        after = known.heartbeat(beat(1, 250 * (step + 1)), step * S)
        if isinstance(after, Refusal):
            refused += 1
            assert after.because is RefusedBecause.IMPLAUSIBLE
        else:
            known = after
    assert refused > 990
    assert known.total_ns <= (1000 + 600) * S


def test_two_boots_cannot_overlap() -> None:
    known = count(Uptime(), beat(1, 100), 100)
    after = known.heartbeat(beat(2, 5000), 160 * S)
    assert isinstance(after, Refusal)
    assert after.because is RefusedBecause.IMPLAUSIBLE


def test_a_boot_that_is_over_stays_over() -> None:
    known = count(count(Uptime(), beat(1, 100), 100), beat(2, 5), 200)
    for old in (beat(1, 150), beat(1, 100000), beat(1, 7, "unknown")):
        after = known.heartbeat(old, 210 * S)
        assert isinstance(after, Refusal)
        assert after.because is RefusedBecause.STALE


def test_many_boots_stay_small_and_are_not_forgotten() -> None:
    known = Uptime()
    for start in range(1, 500):
        known = count(known, beat(start, 10), start * 100)
    assert len(known.boots) == MAX_BOOTS
    assert known.total_ns == 499 * 10 * S


def test_heartbeats_spread_and_never_come_late() -> None:
    """The second one of a connection comes soon: others may have connected a moment after the first."""
    pulses = [Pulse(f"n{number}", "hall", "b", 1) for number in range(50)]
    for pause_ns in (AGAIN_NS, INTERVAL_NS, INTERVAL_NS):
        pauses = []
        for at, pulse in enumerate(pulses):
            now_ns = pulse.due_ns or 0
            pulses[at], document = pulse.step(now_ns, now_ns)
            assert document is not None
            pauses.append((pulses[at].due_ns or 0) - now_ns)
        assert len(set(pauses)) == 50
        assert 0.9 * pause_ns <= min(pauses) <= max(pauses) <= pause_ns
    assert pulses[0].hurried().step(0, 0)[1] is not None


def test_one_that_could_not_be_sent_is_tried_again_soon() -> None:
    pulse, _ = Pulse("bee", "hall", "b", 1).step(0, 0)
    pulse = pulse.failed(0)
    assert pulse.step(9 * S, 9 * S)[1] is None
    again, document = pulse.step(10 * S, 10 * S)
    assert document is not None
    assert (document.number, document.uptime_ns, again.will().start) == (2, 10 * S, 1)
