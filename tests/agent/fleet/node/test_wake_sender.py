# SPDX-License-Identifier: Apache-2.0
"""Who sends when: one burst per attempt, take-over of the silent, an end; and the bytes of a packet."""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.burst import BurstFailed, packets, send_burst
from agent.fleet.node.documents import WakeSent
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.wake_sender import Crew, Duty, GivingUp, Sending, WakeSettings, heard, order, step

S = 1_000_000_000
SETTINGS = WakeSettings()
CREW = ["ant", "bee", "cat", "dog", "elk"]
ALL = Crew(tuple(CREW))
ANT = Crew(("ant",))


def sent(sender: str, attempt: int, revision: int = 1) -> WakeSent:
    return WakeSent(node="x", segment="hall", sender=sender, revision=revision, attempt=attempt)


@given(st.lists(st.sampled_from(CREW), min_size=1, max_size=9), st.integers(0, 20), st.randoms())
def test_all_agree_on_the_order_whatever_they_list_first(crew: list[str], attempt: int, random: object) -> None:
    shuffled = crew[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    ranks = order(Crew(tuple(crew)), "x", attempt)
    assert ranks == order(Crew(tuple(shuffled)), "x", attempt)
    assert sorted(ranks) == sorted(set(crew))


def test_the_first_changes_with_the_attempt_and_with_the_node() -> None:
    assert {order(ALL, "x", attempt)[0] for attempt in range(40)} == set(CREW)
    assert {order(ALL, f"n{number}", 0)[0] for number in range(40)} == set(CREW)


def test_switches_and_packets_go_first_in_turns() -> None:
    crew = Crew(tuple(CREW), ("board", "other"))
    for attempt in range(8):
        ranks = order(crew, "x", attempt)
        first = set(ranks[:2]) if attempt % 2 else set(ranks[-2:])
        assert first == {"board", "other"}
        assert len(ranks) == len(CREW) + 2
    assert order(Crew((), ("board",)), "x", 0) == order(Crew((), ("board",)), "x", 1) == ["board"]


def run(crew: list[str], hears: set[str], silent: set[str], seconds: int) -> list[tuple[int, str, int]]:
    """Everybody looks once a second. `silent` ones cannot send, `hears` are those that hear announcements."""
    duties = {name: Duty.begin("x", 1, 0) for name in crew}
    log: list[tuple[int, str, int]] = []
    for second in range(seconds):
        for name in crew:
            if name in silent:
                continue
            duties[name], what = step(duties[name], name, Crew(tuple(crew)), SETTINGS, second * S)
            if isinstance(what, Sending):
                log.append((second, name, what.attempt))
                for other in hears - {name}:
                    known = heard(duties[other], sent(name, what.attempt), SETTINGS, second * S)
                    duties[other] = duties[other] if isinstance(known, Refusal) else known
    return log


def test_one_sender_per_attempt_and_an_end() -> None:
    log = run(CREW, set(CREW), set(), 12_000)
    assert [attempt for _, _, attempt in log] == list(range(SETTINGS.attempts))
    times = [second for second, _, _ in log]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[:4] == [180, 360, 720, 1440]
    assert set(gaps[4:]) <= {1800}


def test_a_silent_sender_is_replaced_after_its_time() -> None:
    first, second, *_ = order(ALL, "x", 0)
    log = run(CREW, set(CREW), {first}, 100)
    assert log == [(SETTINGS.takeover_ns // S, second, 0)]


def test_two_silent_senders_are_replaced_too() -> None:
    first, second, third, *_ = order(ALL, "x", 0)
    assert run(CREW, set(CREW), {first, second}, 100) == [(2 * SETTINGS.takeover_ns // S, third, 0)]


def test_when_nobody_hears_anybody_the_number_of_bursts_has_a_limit() -> None:
    crew = [f"n{number}" for number in range(60)]
    log = run(crew, set(), set(), 12_000)
    assert SETTINGS.attempts < len(log) <= SETTINGS.attempts * SETTINGS.ranks


def test_whoever_begins_late_counts_as_the_others_do() -> None:
    late = Duty.begin("x", 1, 500 * S)
    known = heard(late, sent("ant", 3), SETTINGS, 501 * S)
    assert isinstance(known, Duty)
    assert (known.attempt, known.sent) == (3, True)
    assert step(known, "bee", Crew(("ant", "bee")), SETTINGS, 502 * S) == (known, None)


def test_what_is_not_believed() -> None:
    duty = Duty("x", 5, 0, attempt=3)
    for document, because in [
        (sent("ant", 2, revision=5), RefusedBecause.STALE),
        (sent("ant", 3, revision=4), RefusedBecause.STALE),
        (sent("ant", 900, revision=5), RefusedBecause.IMPLAUSIBLE),
    ]:
        found = heard(duty, document, SETTINGS, 0)
        assert isinstance(found, Refusal)
        assert found.because is because


def test_the_last_attempt_is_waited_for_before_it_is_given_up() -> None:
    duty = Duty("x", 1, 0, attempt=SETTINGS.attempts - 1, sent=True)
    end_ns = SETTINGS.attempt_ns(duty.attempt)
    assert step(duty, "ant", ANT, SETTINGS, end_ns - 1) == (duty, None)
    over, what = step(duty, "ant", ANT, SETTINGS, end_ns)
    assert what == GivingUp(SETTINGS.attempts)
    assert step(over, "ant", ANT, SETTINGS, end_ns * 9) == (over, None)


# ---------------------------------------------------------------------- packets


def test_the_bytes_of_a_packet() -> None:
    (packet,) = packets(["02:11:22:33:44:55"])
    assert len(packet) == 102
    assert packet == bytes.fromhex("ff" * 6 + "021122334455" * 16)
    (secured,) = packets(["02:11:22:33:44:55"], bytes.fromhex("0a0b0c0d0e0f"))
    assert secured == packet + bytes.fromhex("0a0b0c0d0e0f")


@pytest.mark.parametrize(
    ("mac", "password"), [("01:00:5e:00:00:01", b""), ("02:11", b""), ("02:00:00:00:00:01", b"abc")]
)
def test_packets_that_are_refused(mac: str, password: bytes) -> None:
    with pytest.raises(ValueError, match=r"many|MAC|SecureOn"):
        packets([mac], password)


async def collect(count: int) -> tuple[list[bytes], float]:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        port = receiver.getsockname()[1]
        began = loop.time()
        begun: list[float] = []
        await send_burst(
            ["02:00:00:00:00:01"], count, 20_000_000, lambda: begun.append(loop.time()), to="127.0.0.1", port=port
        )
        took_s = loop.time() - began
        assert len(begun) == 1, "told once, when the first one was out"
        assert begun[0] - began < 0.020 * (count - 1)
        return [await loop.sock_recv(receiver, 200) for _ in range(count)], took_s


def test_a_burst_over_a_real_socket() -> None:
    found, took_s = asyncio.run(collect(10))
    assert found == packets(["02:00:00:00:00:01"]) * 10
    assert took_s >= 9 * 0.020


def test_a_name_is_never_looked_up() -> None:
    with pytest.raises(ValueError, match="IPv4"):
        asyncio.run(send_burst(["02:00:00:00:00:01"], 1, 0, pytest.fail, to="not.an.address"))


def test_a_network_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "sendto", refuse)
    with pytest.raises(BurstFailed, match=r"192\.0\.2\.255:9: Network is unreachable"):
        asyncio.run(send_burst(["02:00:00:00:00:01"], 1, 0, pytest.fail, to="192.0.2.255"))
