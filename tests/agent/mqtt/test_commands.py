# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.commands import (
    MAX_COMMAND_BYTES,
    REDUNDANCY_KEYS,
    HostCommand,
    Malformed,
    RedundancyCommand,
    Stamp,
    parse_host,
    parse_redundancy,
)
from agent.power.request import Action

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("ON", Action.ON),
        ("OFF", Action.SOFT_OFF),
        ("soft_off", Action.SOFT_OFF),
        ("Soft-Off", Action.SOFT_OFF),
        ("FORCE_OFF", Action.FORCE_OFF),
        ("force-off", Action.FORCE_OFF),
        ("reset", Action.RESET),
        (" cycle\n", Action.CYCLE),
        ("NMI", Action.NMI),
    ],
)
def test_plain_words(word: str, action: Action) -> None:
    assert parse_host(word.encode()) == HostCommand(action)
    assert parse_host(json.dumps({"action": word.strip()}).encode()) == HostCommand(action)


def test_every_action_has_its_own_name_as_a_word() -> None:
    for action in Action:
        assert parse_host(action.value.encode()) == HostCommand(action)


def test_json_command() -> None:
    payload = b'{"action": "off", "transaction": "t-1", "issued_at": "2026-11-21T10:00:00Z", "force": true}'
    assert parse_host(payload) == HostCommand(Action.SOFT_OFF, True, Stamp("t-1", 1795255200.0))
    payload = b'{"action": "on", "id": 7, "issued_at": 1795255200.5}'
    assert parse_host(payload) == HostCommand(Action.ON, False, Stamp(7, 1795255200.5))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "is none of ON, OFF"),
        (b"BANG", "'BANG' is none of ON, OFF"),
        (b"\xff\xfe", "UTF-8"),
        (b"ON" + b" " * MAX_COMMAND_BYTES, "at most 4096 bytes"),
        (b"{", "no JSON object"),
        (b"[" * 4000, "is none of"),
        (b'{"a":' * 600, "no JSON object"),
        (b"{}", "`action`"),
        (b'{"action": 1}', "action"),
        (b'{"action": "on", "now": true}', "now"),
        (b'{"action": "on", "force": "yes"}', "force"),
        (b'{"action": "on", "issued_at": "noon"}', "RFC 3339"),
        (b'{"action": "on", "issued_at": "2026-11-21T10:00:00"}', "zone"),
        (b'{"action": "on", "issued_at": 1795255200000}', "not milliseconds"),
        (b'{"action": "on", "issued_at": -1}', "seconds since 1970"),
        (b'{"action": "on", "id": 1, "transaction": 2}', "give one of them"),
        (b'{"action": "on", "id": ""}', "id"),
        (b'{"action": "on", "id": "' + b"x" * 200 + b'"}', "id"),
        (b'{"action": "on", "id": true}', "id"),
    ],
)
def test_malformed_host_commands(payload: bytes, reason: str) -> None:
    command = parse_host(payload)
    assert isinstance(command, Malformed)
    assert reason in command.reason


def test_a_refusal_names_its_transaction() -> None:
    assert parse_host(b'{"action": "bang", "transaction": "t-1"}') == Malformed(
        "'bang' is none of ON, OFF, SOFT_OFF, FORCE_OFF, RESET, CYCLE, NMI, and no JSON object", "t-1"
    )
    refused = parse_redundancy(b'{"ranks": "x", "id": 5}')
    assert isinstance(refused, Malformed)
    assert refused.transaction == 5


def test_redundancy() -> None:
    assert parse_redundancy(b"on") == RedundancyCommand({"enabled": True})
    assert parse_redundancy(b"OFF") == RedundancyCommand({"enabled": False})
    payload = b'{"rotation": false, "ranks": [2, 1], "period_s": 86400, "algorithm": "user_specific", "id": "a"}'
    assert parse_redundancy(payload) == RedundancyCommand(
        {"rotation": False, "algorithm": "user_specific", "ranks": [2, 1], "period_s": 86400}, Stamp("a")
    )


@pytest.mark.parametrize(
    "payload", [b"RESET", b"{}", b'{"id": 1}', b'{"enabled": null}', b'{"enabled": 1}', b'{"ranks": [1.5]}', b'{"x":1}']
)
def test_malformed_redundancy_commands(payload: bytes) -> None:
    assert isinstance(parse_redundancy(payload), Malformed)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_command_or_malformed(payload: bytes) -> None:
    host = parse_host(payload)
    assert isinstance(host, HostCommand | Malformed)
    redundancy = parse_redundancy(payload)
    assert isinstance(redundancy, RedundancyCommand | Malformed)
    for command in (host, redundancy):
        if isinstance(command, Malformed):
            assert command.reason
            assert len(command.reason) < 300


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "action": st.sampled_from(["on", "off", "x", 3]),
            "id": JSON,
            "transaction": JSON,
            "issued_at": JSON,
            "force": JSON,
            "enabled": JSON,
            "ranks": JSON,
            "period_s": JSON,
        },
    )
)
def test_any_object_is_a_command_or_malformed(value: dict[str, object]) -> None:
    payload = json.dumps(value).encode()
    host = parse_host(payload)
    if isinstance(host, HostCommand):
        assert value["action"] in ("on", "off")
        assert host.force is value.get("force", False)
    redundancy = parse_redundancy(payload)
    if isinstance(redundancy, RedundancyCommand):
        assert redundancy.change == {key: value[key] for key in REDUNDANCY_KEYS if key in value}
