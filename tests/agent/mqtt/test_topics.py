# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt import topics


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        ("host/0/set", "0"),
        ("host/rack-1_a/set", "rack-1_a"),
        ("host//set", None),
        ("host/a.b/set", None),
        ("host/a/b/set", None),
        ("host/0/state", None),
        ("host/" + "x" * 33 + "/set", None),
        ("redundancy/set", None),
    ],
)
def test_commanded_host(topic: str, host: str | None) -> None:
    assert topics.commanded_host(topic) == host


@pytest.mark.parametrize(
    ("topic", "may"),
    [
        ("replies/me", True),
        ("pgood/other/x", True),
        ("pgood/board", False),
        ("pgood/board/status", False),
        ("pgood/board2", True),
        ("$SYS/x", False),
        ("a/+/b", False),
        ("a/#", False),
        ("a\0b", False),
        ("", False),
        ("x" * 513, False),
    ],
)
def test_where_answers_may_go(topic: str, may: bool) -> None:
    assert topics.may_answer_on(topic, "pgood/board") is may


@given(st.text(max_size=30))
def test_any_topic_is_judged(topic: str) -> None:
    host = topics.commanded_host(topic)
    assert host is None or topic == f"host/{host}/set"
    topics.may_answer_on(topic, "pgood/board")
