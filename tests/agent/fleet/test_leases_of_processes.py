# SPDX-License-Identifier: Apache-2.0
"""Processes that want one lease of a real mosquitto, killed, frozen, with a broker that restarts: one has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from agent.fleet.mqtt_bus import boot_clock_ns
from tests.agent.mqtt.brokers import PATIENCE_S, Mosquitto
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_name("claimant.py")
ROOT = Path(__file__).parents[3]
TTL_S = 1.0


class Held(NamedTuple):
    since_ns: int
    until_ns: int
    revision: int


class Claimant:
    """One process; what it tells goes to a file."""

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self._told = folder / name
        with self._told.open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), url, name, str(TTL_S)],
                stdout=told,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def held(self) -> list[Held]:
        whole, _, _ = self._told.read_text(encoding="utf-8").rpartition("\n")
        return [Held(*map(int, line.split())) for line in whole.splitlines()]

    def holds(self) -> bool:
        held = self.held()
        return bool(held) and boot_clock_ns() < held[-1].until_ns


class Rivals:
    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self._folder = folder
        self.broker = broker
        self.all: list[Claimant] = []

    def start(self, name: str) -> Claimant:
        one = Claimant(self._folder, self.broker.url, name)
        self.all.append(one)
        return one

    def holder(self) -> Claimant:
        """Wait for one."""
        found: list[Claimant] = []

        def look() -> bool:
            found[:] = [one for one in self.all if one.holds()]
            return bool(found)

        until(look, within_s=PATIENCE_S)
        return found[0]

    def told(self) -> int:
        return sum(len(one.held()) for one in self.all)

    def more_than(self, told: int) -> bool:
        return self.told() > told

    def check(self) -> None:
        """No two had it at one time, and each change of holder is a higher revision."""
        times = sorted((held, number) for number, one in enumerate(self.all) for held in one.held())
        times = [(held, number) for held, number in times if held.since_ns < held.until_ns]  # not if frozen in between
        for (earlier, one), (later, other) in pairwise(times):
            if one != other:
                assert later.since_ns >= earlier.until_ns, (earlier, later)
                assert later.revision > earlier.revision


@pytest.fixture(params=["forgets", "keeps"])
def rivals(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rivals]:
    """Two, with a broker that has its retained messages after a restart, or has not."""
    kept = ["persistence true", f"persistence_location {tmp_path}/", "autosave_on_changes true", "autosave_interval 1"]
    extra = ["allow_anonymous true", *(kept if request.param == "keeps" else [])]
    broker = Mosquitto(tmp_path, extra)
    broker.start()
    rivals = Rivals(tmp_path, broker)
    rivals.start("one")
    rivals.start("two")
    yield rivals
    for one in rivals.all:
        one.process.kill()
        one.process.wait()
    broker.kill()


def test_killed_and_frozen_holders_are_followed_and_never_joined(rivals: Rivals) -> None:
    first = rivals.holder()
    first.process.kill()
    first.process.wait()
    until(lambda: not first.holds(), within_s=PATIENCE_S)
    second = rivals.holder()
    assert second is not first
    third = rivals.start("three")
    second.process.send_signal(signal.SIGSTOP)
    until(third.holds, within_s=PATIENCE_S)
    second.process.send_signal(signal.SIGCONT)
    time.sleep(TTL_S)  # what it had begun before, it tries to end
    third.process.kill()
    third.process.wait()
    until(second.holds, within_s=PATIENCE_S)
    rivals.check()


def test_a_broker_that_restarts_gives_the_lease_to_nobody_else_while_it_is_held(rivals: Rivals) -> None:
    for _ in range(3):
        rivals.holder()
        rivals.broker.kill()
        rivals.broker.start()
        told = rivals.told()
        until(partial(rivals.more_than, told), within_s=PATIENCE_S)
    rivals.check()
