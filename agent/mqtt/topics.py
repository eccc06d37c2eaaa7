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
ANY_HOST_SET = "host/+/set"

ONLINE = b"online"
OFFLINE = b"offline"

_HOST_SET = re.compile(r"host/([A-Za-z0-9][A-Za-z0-9_-]{0,31})/set")


def as_role(role: str, topic: str) -> str:
    """The topic on which a role commands; the plain one for no role."""
    return f"as/{role}/{topic}" if role else topic


def host_result(host: str) -> str:
    return f"host/{host}/result"


def state(source: str) -> str:
    """`host/0`, `psu/1` or `redundancy` to the topic of its document."""
    return f"{source}/state"


def commanded_host(topic: str) -> str | None:
    """The host that a topic below the base commands; None when it is no such topic or cannot be a host's name."""
    match = _HOST_SET.fullmatch(topic)
    return match[1] if match else None


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
