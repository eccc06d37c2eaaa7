# SPDX-License-Identifier: Apache-2.0
"""Who uses a machine: what loginctl and programs of the owner's print, and what they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.command import printed
from agent.fleet.node.users import MOST_CHARACTERS, MOST_USERS, listed, logged_in
from agent.fleet.node.wake_probe import WakeProbe

if TYPE_CHECKING:
    from collections.abc import Sequence

SESSIONS = "  5 1000 alice seat0 tty2\n 12 1001 bob   -     pts/0\nc3 120 gdm seat0 tty1\n"
SHOWN = """Name=alice
Class=user
State=active

Name=bob
Class=user
State=closing

Name=gdm
Class=greeter
State=online
"""


class Logind:
    def __init__(self, sessions: str | None, shown: str | None = None) -> None:
        self.sessions, self.shown = sessions, shown
        self.asked: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str]) -> str | None:
        self.asked.append(command)
        return self.sessions if command[1] == "list-sessions" else self.shown


def test_people_with_a_session_use_it_and_greeters_do_not() -> None:
    logind = Logind(SESSIONS, SHOWN)
    assert logged_in(logind) == ("alice",)
    assert logind.asked[1][-3:] == ("5", "12", "c3")


def test_no_session_is_nobody_and_is_not_asked_about() -> None:
    logind = Logind("\n")
    assert logged_in(logind) == ()
    assert len(logind.asked) == 1


@pytest.mark.parametrize(
    "logind", [Logind(None), Logind(SESSIONS, None), Logind("-x 1000 alice\n", SHOWN), Logind("1 a\n" * 65, SHOWN)]
)
def test_what_logind_does_not_say_is_not_known(logind: Logind) -> None:
    assert logged_in(logind) is None


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_output_is_survived(sessions: str, shown: str) -> None:
    found = logged_in(Logind(sessions, shown))
    assert found is None or all(name and len(name) <= MOST_CHARACTERS for name in found)


def test_a_program_lists_one_user_per_line() -> None:
    assert listed(("who",), lambda command: "alice\n\n alice \njob 7\x1b[31m\n") == ("alice", "job 7[31m")
    assert listed(("who",), lambda command: "x\n".join(map(str, range(99)))) is not None
    assert len(listed(("who",), lambda command: "\n".join(map(str, range(99)))) or ()) == MOST_USERS
    assert listed(("who",), lambda command: None) is None


def test_programs_are_run() -> None:
    assert printed(("echo", "alice")) == "alice\n"
    assert printed(("false",)) is None
    assert printed(("/there/is/no/such/program",)) is None


class Ethtool:
    """One card whose `wol` can be set, unless the driver refuses."""

    def __init__(self, *, takes: bool) -> None:
        self.takes = takes
        self.wol = "d"
        self.set: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str]) -> str:
        if command[1] == "-s":
            self.set.append(command)
            self.wol = command[-1] if self.takes else self.wol
            return ""
        return f"Settings for {command[1]}:\n\tSupports Wake-on: pg\n\tWake-on: {self.wol}\n\tLink detected: yes\n"


def cards() -> tuple[tuple[str, str], ...]:
    return (("eth0", "02:00:00:00:00:01"),)


def test_a_card_that_is_not_armed_is_armed_and_read_again() -> None:
    ethtool = Ethtool(takes=True)
    ability = WakeProbe(run=ethtool, cards=cards).look()
    assert (ability.macs, ability.why) == (("02:00:00:00:00:01",), "")
    assert ethtool.set == [("ethtool", "-s", "eth0", "wol", "g")]
    WakeProbe(run=ethtool, cards=cards).look()
    assert len(ethtool.set) == 1


def test_a_card_that_does_not_take_it_is_not_proven() -> None:
    assert "is not armed for magic packets" in WakeProbe(run=Ethtool(takes=False), cards=cards).look().why


def test_an_ethtool_that_is_not_there_is_named() -> None:
    assert WakeProbe(run=lambda command: None, cards=cards).look().why == "ethtool is not installed, or fails for eth0"
    silent = WakeProbe(run=lambda command: f"Settings for {command[1]}:\n\tLink detected: yes\n", cards=cards)
    assert "ethtool does not say whether eth0 supports wake-on-LAN" in silent.look().why


def test_only_the_wanted_card_is_touched() -> None:
    ethtool = Ethtool(takes=True)
    assert "there is no network card 'eth1'" in WakeProbe("eth1", ethtool, cards).look().why
    assert ethtool.set == []
