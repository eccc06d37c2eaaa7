# SPDX-License-Identifier: Apache-2.0
"""`pgood wire` in a terminal, against an agent that only observes: a person's answers, and what comes of them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.person import Person
from tests.scenarios.played_agent import WORLD, PlayedAgent

if TYPE_CHECKING:
    from collections.abc import Iterator

PGOOD = str(Path(sys.executable).parent / "pgood")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[PlayedAgent]:
    with PlayedAgent("raspberry-pi-atx", tmp_path / "state", *WORLD, "--observe") as started:
        yield started
    assert "Traceback" not in started.log


def begin(agent: PlayedAgent) -> Person:
    return Person(PGOOD, "wire", "0", "--state-dir", str(agent.state_dir))


def switch_on_by_hand(agent: PlayedAgent, person: Person) -> None:
    """The first step with a machine that is off and is then switched on at its own button."""
    person.waits_for("on, off or asleep?")
    person.types("off")
    person.waits_for("press Enter when it is done")
    agent.happen(["host", "0", "finger"])
    time.sleep(1.0)
    person.types("")
    person.waits_for("on, off or asleep?")
    person.types("on")


def test_a_host_that_is_wired_right(agent: PlayedAgent) -> None:
    person = begin(agent)
    person.waits_for("line power-good (GPIO23, header pin 16). Nothing is driven")
    person.waits_for("on, off or asleep?")
    person.types("I do not know")
    person.waits_for("one of: on, off, asleep")
    switch_on_by_hand(agent, person)
    person.waits_for("GOOD: power-good follows the machine")
    person.waits_for("Type yes to arm it")
    person.types("yes")
    person.waits_for("the agent restarts")
    person.waits_for("The machine is on")
    person.waits_for("asked to SHUT DOWN")
    assert agent.outputs()["power-button"]["rises"] == 0
    person.types("0")
    person.waits_for("power-good: inactive")
    person.waits_for("is wired right")
    assert person.ends() == 0
    assert agent.outputs()["power-button"]["rises"] == 1


def test_without_a_yes_nothing_is_armed(agent: PlayedAgent) -> None:
    person = begin(agent)
    switch_on_by_hand(agent, person)
    person.waits_for("Type yes to arm it")
    person.types("y")
    person.waits_for("nothing was driven")
    assert person.ends() == 1
    assert not (agent.state_dir / "armed").exists()


def test_an_inverted_line_is_named_before_anything_is_armed(agent: PlayedAgent) -> None:
    agent.happen(["host", "0", "inverted-power-good"])
    person = begin(agent)
    switch_on_by_hand(agent, person)
    person.waits_for("WRONG: the line is inverted")
    person.waits_for("Change active_low")
    assert person.ends() == 1
    assert not (agent.state_dir / "armed").exists()


def test_a_line_that_never_says_on(agent: PlayedAgent) -> None:
    agent.happen(["host", "0", "no-power-good"])
    person = begin(agent)
    switch_on_by_hand(agent, person)
    person.waits_for("WRONG: the line never says on")
    assert person.ends() == 1


def test_a_dead_button(agent: PlayedAgent) -> None:
    """The machine is off at the end of the first step, so that the press must start it, and does not."""
    agent.happen(["host", "0", "wake"])
    agent.happen(["host", "0", "dead-button"])
    person = begin(agent)
    person.waits_for("on, off or asleep?")
    person.types("on")
    person.waits_for("press Enter when it is done")
    agent.happen(["host", "0", "crash"])
    person.waits_for("power-good: inactive")
    person.types("")
    person.waits_for("on, off or asleep?")
    person.types("off")
    person.waits_for("Type yes to arm it")
    person.types("yes")
    person.waits_for("it will start")
    person.types("0")
    person.waits_for("Did the machine react")
    person.types("no")
    person.waits_for("WRONG: the machine did not react")
    assert person.ends() == 1
    assert agent.outputs()["power-button"]["rises"] == 1


def test_without_a_terminal_it_only_looks(agent: PlayedAgent) -> None:
    def watched() -> tuple[int, str]:
        words = [PGOOD, "wire", "0", "--yes", "--watch", "1", "--state-dir", str(agent.state_dir)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout

    code, told = watched()
    assert code == 0
    assert "power-good is inactive (0 edges" in told
    agent.happen(["host", "0", "flicker", "10", "20000"])
    code, told = watched()
    assert code == 1
    assert "WRONG: the line floats" in told
    agent.happen(["host", "0", "normal"])


def test_an_unknown_host_is_named(agent: PlayedAgent) -> None:
    done = subprocess.run(
        [PGOOD, "wire", "9", "--state-dir", str(agent.state_dir)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "this board has no host '9'; it has: 0" in done.stderr
