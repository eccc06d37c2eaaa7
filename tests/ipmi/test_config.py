# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import fields

import pytest

from ipmi.config import ServerConfig
from ipmi.counters import ServerCounters, Tally


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"suites": (0,)}, "suites"),
        ({"suites": (17, 8)}, "suites"),
        ({"suites": ()}, "suites"),
        ({"kg": b""}, "kg"),
        ({"kg": bytes(21)}, "kg"),
        ({"idle_timeout_s": 0}, "idle_timeout_s"),
        ({"half_open_limit": -1}, "half_open_limit"),
        ({"max_sessions": 0}, "max_sessions"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        ServerConfig(**settings)  # type: ignore[arg-type]


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(ServerConfig(kg=b"secret"))


def test_snapshot_has_every_count() -> None:
    counted = {field.name for field in fields(Tally)}
    assert {field.name for field in fields(ServerCounters)} == counted | {"sessions", "half_open"}
