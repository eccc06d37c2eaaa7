# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt import topics


@pytest.mark.parametrize(
    ("topic", "role", "below"),
    [
        ("host/0/set", "", "host/0/set"),
        ("as/viewer/request/hosts/status", "viewer", "request/hosts/status"),
        ("as/a.b/host/0/set", "", "as/a.b/host/0/set"),
        ("as/viewer", "", "as/viewer"),
        ("as//host/0/set", "", "as//host/0/set"),
        ("as/a/as/b/host/0/set", "a", "as/b/host/0/set"),
    ],
)
def test_roles(topic: str, role: str, below: str) -> None:
    assert topics.role_of(topic) == (role, below)
    assert not role or topics.as_role(role, below) == topic


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
    role, below = topics.role_of(topic)
    assert topics.as_role(role, below) == topic
    topics.may_answer_on(topic, "pgood/board")
