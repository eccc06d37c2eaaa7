# SPDX-License-Identifier: Apache-2.0
"""How a connection to a broker ended or failed to begin: a kind to decide by, a sentence for a person."""

from __future__ import annotations

import enum
from dataclasses import dataclass

# Reason codes of CONNACK and DISCONNECT (MQTT 5.0, table 2-6); paho turns the codes of 3.1.1 into these.
FAILURE = 0x80
"""Reason codes from here on are failures, in every packet."""
UNSUPPORTED_VERSION = 0x84
SESSION_TAKEN_OVER = 0x8E
REFUSALS: dict[int, str] = {
    0x85: "the broker refuses the client id",
    0x86: "the broker refuses the user name or password",
    0x87: "the broker does not authorise this client",
    0x8A: "the broker has banned this client",
    0x8C: "the broker wants another authentication method",
    0x9C: "the broker says: use another server",
    0x9D: "the broker says: the server has moved",
}
"""Refusals that do not pass by themselves: someone has to change the broker or the site file."""


DOUBLE_ID = "another client connected with the same client id: two boards have one id, or two agents run"


class EndingKind(enum.Enum):
    UNREACHABLE = "unreachable"
    """No name, no route, no listener, no TLS."""
    SILENT = "silent"
    """Connected, but CONNECT was not answered in time."""
    HUNG_UP = "hung-up"
    """Closed by the broker instead of an answer to CONNECT."""
    VERSION_REFUSED = "version-refused"
    REFUSED = "refused"
    """Permanent: credentials, client id, ban."""
    UNAVAILABLE = "unavailable"
    """Refused for now: busy, quota, maintenance."""
    LOST = "lost"
    TAKEN_OVER = "taken-over"
    """Another client came with our client id."""


@dataclass(frozen=True, slots=True)
class Ending:
    """`lasted_s` counts from the broker's acceptance; 0 when there was none."""

    kind: EndingKind
    text: str
    lasted_s: float = 0.0


def connect_refusal(code: int, name: str) -> Ending:
    """The ending that a failing CONNACK reason code means."""
    if code == UNSUPPORTED_VERSION:
        return Ending(EndingKind.VERSION_REFUSED, "the broker does not speak this protocol version")
    if code in REFUSALS:
        return Ending(EndingKind.REFUSED, REFUSALS[code])
    return Ending(EndingKind.UNAVAILABLE, f"the broker refuses the connection for now: {name}")


def disconnection(code: int, name: str, *, by_broker: bool, lasted_s: float) -> Ending:
    """The ending that a DISCONNECT reason code, or paho's own word for a dead socket, means."""
    if code == SESSION_TAKEN_OVER:
        return Ending(EndingKind.TAKEN_OVER, DOUBLE_ID, lasted_s)
    if by_broker and code in REFUSALS:
        return Ending(EndingKind.REFUSED, REFUSALS[code], lasted_s)
    who = "the broker ended the connection" if by_broker else "the connection was lost"
    return Ending(EndingKind.LOST, f"{who}: {name}", lasted_s)
