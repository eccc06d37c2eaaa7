# SPDX-License-Identifier: Apache-2.0
"""Lost answers between real clients and a running agent: each command presses its button once (safety rule 20).

Presses are counted where they happen: the line engine counts every write to an output.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.ipmi.relay import LossyRelay
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

WRITES_OF_A_PRESS = 2
"""Down and up."""
QUIET_S = 0.7
"""A second press would have begun by then: a press takes 0.2 s, and its precondition 0.1 s."""
ACTIONS = (
    # as ipmitool says it, as ipmipower says it, state before, state after, presses
    ("on", "--on", "off", "on", 1),
    ("diag", "--pulse", "on", "on", 1),
    ("reset", "--reset", "on", "on", 1),
    ("cycle", "--cycle", "on", "on", 2),
    ("off", "--off", "on", "off", 1),
    ("on", "--on", "off", "on", 1),
    ("soft", "--soft", "on", "off", 1),
)
"""In an order in which each finds the host as it needs it. A cycle holds the button, then presses it."""
TOLD = {"diag": "host.nmi", "reset": "host.reset", "off": "host.off", "soft": "host.off"}
TOLD |= {"on": "host.on", "cycle": "host.on"}
"""What is told at the end of each."""


def idle(demo: Demo, state: str) -> None:
    """Wait until nothing is under way and the host is in this state."""
    deadline = time.monotonic() + PATIENCE_S
    while (host := demo.status()["documents"]["host/0/state"])["state"] != state or host["running"] is not None:
        assert time.monotonic() < deadline, host
        time.sleep(0.1)


def writes(demo: Demo) -> int:
    count: int = demo.status()["telemetry"]["engine"]["write_us"]["count"]
    return count


def lost_in_session(first: int, count: int) -> Callable[[bytes], bool]:
    """Loses `count` encrypted answers of one run, from the one with index `first` on."""
    seen = -1

    def loses(datagram: bytes) -> bool:
        nonlocal seen
        seen += datagram[4:6] == b"\x06\xc0"
        return datagram[4:6] == b"\x06\xc0" and first <= seen < first + count

    return loses


def every_nth(n: int, start: int) -> Callable[[bytes], bool]:
    """Loses each n-th answer of any kind, those of the login among them."""
    seen = start

    def loses(_: bytes) -> bool:
        nonlocal seen
        seen += 1
        return seen % n == 0

    return loses


def through(demo: Demo, relay: LossyRelay) -> Demo:
    ipmi = {**demo.ready["ipmi"], "port": relay.port}
    return replace(demo, ready={**demo.ready, "ipmi": ipmi})


def act(demo: Demo, tool: str, words: tuple[str, str], loses: Callable[[bytes], bool]) -> int:
    with LossyRelay(demo.ready["ipmi"]["port"], loses) as relay:
        client = through(demo, relay)
        if tool == "ipmitool":
            client.ipmitool("-N", "1", "-R", "6", "chassis", "power", words[0], code=None)
        else:
            client.freeipmi("ipmipower", words[1], "--retransmission-timeout=400", code=None)
        return relay.lost


@pytest.mark.parametrize(
    ("tool", "loses"),
    [
        ("ipmitool", lambda number: lost_in_session(5, 2)),  # after 3B, 2C/3E, 06/01 and 2C/00 twice
        ("ipmipower", lambda number: every_nth(3, number)),
    ],
    ids=["ipmitool, the action's answer twice", "ipmipower, each third of all"],
)
def test_each_command_presses_once(demo: Demo, tool: str, loses: Callable[[int], Callable[[bytes], bool]]) -> None:
    for number, (word, option, before, after, presses) in enumerate(ACTIONS):
        idle(demo, before)
        written, seen = writes(demo), len(demo.events())
        lost = act(demo, tool, (word, option), loses(number))
        demo.until_told(TOLD[word], seen)
        demo.until(after)
        assert lost > 0, (tool, word)
        expected, deadline = written + presses * WRITES_OF_A_PRESS, time.monotonic() + PATIENCE_S
        while writes(demo) < expected:
            assert time.monotonic() < deadline, (tool, word, writes(demo) - written)
            time.sleep(0.05)
        time.sleep(QUIET_S)
        assert writes(demo) == expected, (tool, word)
