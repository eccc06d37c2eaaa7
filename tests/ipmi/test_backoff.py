# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools

from ipmi.backoff import FORGOTTEN_AFTER_S, FREE_FAILURES, LONGEST_SILENCE_S, LoginBackoff


def test_first_failures_are_told_at_once() -> None:
    backoff = LoginBackoff()
    assert all(backoff.failed("192.0.2.1", b"admin", 1.0) for _ in range(FREE_FAILURES))
    assert not backoff.failed("192.0.2.1", b"admin", 1.0)


def test_silence_doubles_up_to_its_limit() -> None:
    backoff = LoginBackoff()
    told_at = [now / 10 for now in range(6000) if backoff.failed("192.0.2.1", b"admin", now / 10)]
    gaps = [round(later - earlier) for earlier, later in itertools.pairwise(told_at)]
    assert gaps[FREE_FAILURES - 1 : FREE_FAILURES + 6] == [1, 2, 4, 8, 16, 32, 60]
    assert max(gaps) == LONGEST_SILENCE_S


def test_other_sources_and_names_are_not_concerned() -> None:
    backoff = LoginBackoff()
    for _ in range(10):
        backoff.failed("192.0.2.1", b"admin", 1.0)
    assert backoff.failed("192.0.2.2", b"operator", 1.0)


def test_failures_count_per_name_across_addresses() -> None:
    backoff = LoginBackoff()
    told = [backoff.failed(f"192.0.2.{number}", b"admin", 1.0) for number in range(10)]
    assert told == [True] * FREE_FAILURES + [False] * (10 - FREE_FAILURES)


def test_success_and_time_forgive() -> None:
    backoff = LoginBackoff()
    for _ in range(10):
        backoff.failed("192.0.2.1", b"admin", 1.0)
    backoff.succeeded("192.0.2.1", b"admin")
    assert backoff.failed("192.0.2.1", b"admin", 1.0)
    for _ in range(10):
        backoff.failed("192.0.2.1", b"admin", 1.0)
    assert backoff.failed("192.0.2.1", b"admin", 2.0 + FORGOTTEN_AFTER_S)


def test_made_up_names_do_not_fill_the_memory() -> None:
    backoff = LoginBackoff()
    for number in range(10_000):
        backoff.failed("192.0.2.1", b"%d" % number, 1.0)
    assert len(backoff._records) <= 4096
