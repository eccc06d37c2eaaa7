# SPDX-License-Identifier: Apache-2.0
"""Real agents in two segments with a real broker: one machine sleeps and is woken by packets, whoever is killed."""

from __future__ import annotations

import hashlib
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.clients.fleet_world import TAKEOVER_S, World
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.client


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, {"hall": ("ant", "bee", "cat", "dog"), "attic": ("eel", "fox")})
    yield world
    world.close()


def order(senders: list[str], node: str, attempt: int) -> list[str]:
    """As the page says: by a hash of names and attempt."""
    return sorted(senders, key=lambda sender: hashlib.sha256(f"{sender}\n{node}\n{attempt}".encode()).digest())


def test_a_sleeping_machine_is_woken_by_one_sender_of_its_segment_at_a_time(world: World) -> None:
    machines, dog = world.machines, world.machines["dog"]
    packet = b"\xff" * 6 + bytes.fromhex(dog.mac.replace(":", "")) * 16
    assert len(packet) == 102
    dog.arm()
    for machine in machines.values():
        machine.boot()
    for machine in machines.values():
        machine.until_it_says("up", able=True)

    world.want(dog, "down", 1)
    until(dog.went.exists, lambda: (dog.report, dog.log.read_text()))
    last = world.kept(f"{dog.topic}/report")
    assert (last["state"], last["last"]) == ("down", True), "it goes after its last report"
    dog.stop(signal.SIGKILL)
    assert all(machine.card.heard == [] for machine in machines.values())

    # Who is first in order is frozen: it neither sends nor says so, and the next one takes over.
    first, second, _ = order(["ant", "bee", "cat"], "dog", 0)
    machines[first].stop(signal.SIGSTOP)
    asked_s = time.monotonic()
    world.want(dog, "up", 2)
    until(lambda: dog.card.heard, lambda: machines[second].log.read_text())
    assert time.monotonic() - asked_s >= TAKEOVER_S or world.gone_before_the_first_burst(machines[first])
    machines[first].stop(signal.SIGKILL)
    until(lambda: len(dog.card.heard) == 10, lambda: dog.card.heard)
    assert dog.card.heard == [(machines[second].address, packet)] * 10
    until(world.bursts, lambda: machines[second].log.read_text())
    assert world.bursts() == [(second, 0)]

    # Nobody came up. Those that are left try again, and now the card wakes the machine.
    left = [name for name in ("ant", "bee", "cat") if name != first]
    third = order(left, "dog", 1)[0]
    until(lambda: len(dog.card.heard) > 10, world.bursts)
    assert dog.card.heard[10] == (machines[third].address, packet)
    dog.boot()
    dog.until_it_says("up", start=2, condition="on")
    until(lambda: len(dog.card.heard) >= 20, lambda: dog.card.heard)

    # It is up: nobody sends any more. Of all that was sent each segment heard its own, once.
    time.sleep(TAKEOVER_S + 2)
    assert world.bursts() == [(second, 0), (third, 1)]
    expected = Counter({(machines[second].address, packet): 10}) + Counter({(machines[third].address, packet): 10})
    for name in ("dog", *left):
        assert Counter(machines[name].card.heard) == expected, name
    assert machines["eel"].card.heard == machines["fox"].card.heard == []
    assert machines["eel"].says("up")
    for machine in machines.values():
        assert "Traceback" not in machine.log.read_text()
