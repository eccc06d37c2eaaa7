# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from agent.mqtt.retry import STABLE_S
from agent.mqtt.twin import TwinWatch


def test_a_former_run_is_no_twin() -> None:
    watch = TwinWatch()
    assert not watch.found(b"boot 1")
    watch.published(b"boot 2")
    assert not watch.found(b"boot 2")
    assert not watch.found(b"")


def test_another_info_after_each_short_link_is_a_twin() -> None:
    watch = TwinWatch()
    watch.published(b"ours")
    watch.link_ended(1.0)
    assert not watch.found(b"theirs")
    watch.link_ended(1.0)
    assert watch.found(b"theirs")


def test_a_crashed_broker_with_old_messages_is_no_twin() -> None:
    watch = TwinWatch()
    watch.published(b"ours")
    for _ in range(5):
        assert not watch.found(b"boot 1")
        watch.link_ended(STABLE_S)
