# SPDX-License-Identifier: Apache-2.0
"""The topics of one board, below its base `pgood/<board>` (the table: docs/mqtt.md)."""

from __future__ import annotations

import re

STATUS = "status"
INFO = "info"
EVENT = "event"
TELEMETRY = "telemetry"
TELEMETRY_MSGPACK = "telemetry/msgpack"
POLICIES_SET = "policies/set"
REDUNDANCY_SET = "redundancy/set"
REDUNDANCY_RESULT = "redundancy/result"
POLICIES_RESULT = "policies/result"
REQUEST = "request/"
AS = "as"
ANY_ROLE = f"{AS}/#"
COMMANDS = ("host/+/set", "psu/+/set", REDUNDANCY_SET, POLICIES_SET, f"{REQUEST}#")
"""Filters of everything that asks the board for something."""

ONLINE = b"online"
OFFLINE = b"offline"

_ROLE = re.compile(rf"{AS}/([A-Za-z0-9][A-Za-z0-9_-]{{0,31}})/(.+)", re.DOTALL)


def as_role(role: str, topic: str) -> str:
    """The topic on which a role commands; the plain one for no role."""
    return f"{AS}/{role}/{topic}" if role else topic


def role_of(topic: str) -> tuple[str, str]:
    """The role on whose topic something came, and the topic without it; empty for a plain topic."""
    match = _ROLE.fullmatch(topic)
    return (match[1], match[2]) if match else ("", topic)


def response(method: str) -> str:
    return f"response/{method}"


def host_result(host: str) -> str:
    return f"host/{host}/result"


def state(source: str) -> str:
    """`host/0`, `psu/1` or `redundancy` to the topic of its document."""
    return f"{source}/state"


def may_answer_on(topic: str, base: str) -> bool:
    """Whether a response topic that somebody asked for may be published to.

    No wildcards and no `$` topics (brokers drop a client that publishes to one), and nothing of the board's own:
    a stranger must not make the board write its own status or commands.
    """
    return (
        0 < len(topic.encode("utf-8", "replace")) <= 512
        and not any(character in topic for character in "+#\0")
        and not topic.startswith("$")
        and topic != base
        and not topic.startswith(base + "/")
    )
