# SPDX-License-Identifier: Apache-2.0
"""Which hosts are switched on after a mains loss: stories, then any order of events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.power.mains_restore import (
    NS,
    SETTLED_NS,
    WHY_WINDOW_NS,
    HostRecord,
    MainsRestore,
    Remembered,
    SwitchOn,
)
from agent.power.restore import Restore

S = NS
ON, OFF, PREVIOUS = Restore.ON, Restore.OFF, Restore.PREVIOUS


class Story:
    """Feeds a board of one host; time passes from deadline to deadline."""

    def __init__(self, remembered: Remembered | None = None, delay_s: float = 0) -> None:
        self.now = 1000 * S
        self.it = MainsRestore(round(delay_s * S), {"0": HostRecord(remembered or Remembered())})
        self.presses: list[tuple[float, SwitchOn]] = []
        self.policy = PREVIOUS

    def run(self, seconds: float) -> None:
        until = self.now + round(seconds * S)
        while (due := self.it.deadline_ns) is not None and due <= until:
            self.now = max(self.now, due)
            before = self.it
            self.it, presses = self.it.expired(self.policy, self.now)
            self.presses += [(self.now / S - 1000, press) for press in presses]
            if self.it == before:
                self.now += 1  # waits for a fact
                break
        self.now = max(self.now, until)

    def on(self) -> None:
        self.it = self.it.came_on("0")

    def dies(self) -> None:
        """Goes off unasked."""
        self.it = self.it.power_lost("0", self.now).seen_off("0", self.now)

    def asked_off(self) -> None:
        self.it = self.it.asked("0", True).went_off("0").seen_off("0", self.now)

    def mains(self, present: bool) -> None:
        self.it = self.it.mains_changed(present, self.now)

    def kill(self) -> None:
        """The agent and its board lose everything but what is remembered."""
        outage = self.it.outage or any(record.pending for record in self.it.hosts.values())
        remembered = {name: HostRecord(record.remembered) for name, record in self.it.hosts.items()}
        self.it = MainsRestore(self.it.delay_ns, remembered).started(outage, self.now)


@pytest.mark.parametrize("told_after_s", [-2, 0, 1, 14])
def test_a_host_that_ran_comes_back_whatever_is_seen_first(told_after_s: float) -> None:
    story = Story()
    story.mains(True)
    story.on()
    if told_after_s < 0:
        story.mains(False)
        story.run(-told_after_s)
        story.dies()
    else:
        story.dies()
        story.run(told_after_s)
        story.mains(False)
    assert story.it.hosts["0"].mains_failed
    story.run(3600)
    assert not story.presses
    story.mains(True)
    began = story.now / S - 1000
    story.run(60)
    assert [(at - began, press) for at, press in story.presses] == [(10, SwitchOn("0", PREVIOUS))]


def test_shut_down_from_within_stays_down() -> None:
    story = Story()
    story.mains(True)
    story.on()
    story.dies()
    story.run(WHY_WINDOW_NS / S + 1)
    story.mains(False)
    story.run(5)
    story.mains(True)
    story.run(60)
    assert not story.presses


@pytest.mark.parametrize(("policy", "pressed"), [(OFF, 0), (PREVIOUS, 0), (ON, 1)])
def test_the_last_explicit_off_wins_over_previous(policy: Restore, pressed: int) -> None:
    story = Story()
    story.policy = policy
    story.mains(True)
    story.on()
    story.asked_off()
    story.mains(False)
    story.run(10)
    story.mains(True)
    story.run(60)
    assert len(story.presses) == pressed


def test_an_off_that_the_mains_overtook_is_an_off() -> None:
    """Somebody asked for off, and the mains went before the host had obeyed."""
    story = Story()
    story.mains(True)
    story.on()
    story.it = story.it.asked("0", True)
    story.mains(False)
    story.dies()
    story.run(5)
    story.mains(True)
    story.run(60)
    assert not story.presses


def test_switched_on_by_its_own_firmware_is_left_alone() -> None:
    story = Story()
    story.mains(True)
    story.on()
    story.mains(False)
    story.dies()
    story.run(100)
    story.mains(True)
    story.run(4)
    story.on()
    story.run(60)
    assert not story.presses
    assert not story.it.hosts["0"].pending


def test_power_good_must_have_been_settled() -> None:
    """The mains is long back; the host flickers on and off, and is pressed ten quiet seconds later."""
    story = Story(delay_s=30)
    story.mains(True)
    story.on()
    story.mains(False)
    story.dies()
    story.run(5)
    story.mains(True)
    story.run(25)
    story.on()
    story.run(1)
    story.it = story.it.power_lost("0", story.now).seen_off("0", story.now)
    story.run(60)
    assert [at for at, _ in story.presses] == [5 + 26 + 10]


def test_a_board_that_lost_its_own_power_remembers() -> None:
    story = Story()
    story.mains(True)
    story.on()
    story.mains(False)
    story.dies()
    story.kill()
    story.run(2)
    assert not story.it.hosts["0"].known
    story.run(20)
    assert not story.presses  # power-good is not known yet
    story.it = story.it.seen_off("0", story.now)
    story.mains(True)
    story.run(60)
    assert len(story.presses) == 1


def test_killed_between_the_return_of_the_mains_and_the_press() -> None:
    story = Story()
    story.mains(True)
    story.on()
    story.mains(False)
    story.dies()
    story.run(9)
    story.mains(True)
    story.run(9.5)
    story.kill()
    story.it = story.it.seen_off("0", story.now)
    story.run(60)
    assert len(story.presses) == 1


def test_an_agent_that_restarts_beside_a_host_that_is_off_presses_nothing() -> None:
    story = Story(Remembered(running=True))
    story.policy = ON
    story.it = story.it.started(False, story.now).seen_off("0", story.now)
    story.mains(True)
    story.run(3600)
    assert not story.presses


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["on", "off", "die", "lost", "back", "ask-on", "ask-off", "unknown", "kill"]),
            st.floats(0, 40, allow_nan=False),
        ),
        max_size=30,
    ),
    st.sampled_from(list(Restore)),
)
def test_any_order(steps: list[tuple[str, float]], policy: Restore) -> None:
    """Only after a mains loss, never with policy off, once for each return, only onto a host settled off for 10 s."""
    story = Story()
    story.policy = policy
    losses = 0
    for what, seconds in steps:
        powered = story.it.hosts["0"].known and story.it.hosts["0"].off_since_ns is None
        match what:
            case "on":
                story.on()
            case "off" if powered:
                story.asked_off()
            case "die" if powered:
                story.dies()
            case "lost" if story.it.mains is not False:
                losses += 1
                story.mains(False)
            case "back":
                story.mains(True)
            case "ask-on" | "ask-off":
                story.it = story.it.asked("0", what == "ask-off")
            case "unknown":
                story.it = story.it.unknown("0")
            case "kill":
                story.kill()
        before, record = len(story.presses), story.it.hosts["0"]
        story.run(seconds)
        for at, _ in story.presses[before:]:
            assert record.off_since_ns is not None
            assert at * S + 1000 * S - record.off_since_ns >= SETTLED_NS - 1000
            assert not (policy is PREVIOUS and record.remembered.user_off)
    assert len(story.presses) <= losses
    assert not (policy is OFF and story.presses)


def test_time_alone_changes_nothing_before_it_is_due() -> None:
    restore = MainsRestore(0, {"0": HostRecord()})
    assert restore.deadline_ns is None
    assert restore.expired(ON, 10**15) == (restore, [])
    assert replace(restore, outage=True).expired(ON, 10**15)[1] == []
