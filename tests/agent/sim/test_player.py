# SPDX-License-Identifier: Apache-2.0
"""The player against a stage of our own: what does not come is a failure that says what was there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from agent.sim.player import Player, ScenarioFailed
from agent.sim.press_record import PressRecord
from agent.sim.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.sim.scenario import Ask

MS = 1_000_000
HEAD = 'schema = 1\nname = "x"\ndescription = "x"\n'


class Stage:
    """Implements agent.sim.stage.Stage: a host that is what `state` says."""

    def __init__(self) -> None:
        self.state = "off"
        self.said: list[str] = []
        self.told: list[dict[str, Any]] = [{"id": "1", "kind": "agent.started", "message": "x"}]
        self.record = PressRecord(rises=5, widths_ms=[9000.0])
        self.reply = ("done", "")
        self.may_reply = threading.Event()
        self.kills = 0

    def happen(self, words: Sequence[str]) -> None:
        self.said.append(" ".join(words))
        if words[-1] == "wake":
            self.state = "on"
            self.told.append({"id": str(len(self.told) + 1), "kind": "host.on", "message": "it is on"})
        if words[-1] == "finger":
            self.record.changed(True, 0)
            self.record.changed(False, 200 * MS)

    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        return {"power-button": self.record.document(0)}

    def ask(self, ask: Ask) -> tuple[str, str]:
        self.may_reply.wait(5)
        return self.reply

    def documents(self) -> Mapping[str, Mapping[str, Any]]:
        return {"host/0/state": {"state": self.state, "reason": ""}}

    def events(self) -> Sequence[Mapping[str, Any]]:
        return list(self.told)

    def kill(self) -> None:
        self.kills += 1


def scenario(tmp_path: Path, text: str) -> Scenario:
    file = tmp_path / "x.toml"
    file.write_text(HEAD + text)
    return load_scenario(file)


def test_steps_are_played_in_order(tmp_path: Path) -> None:
    stage, told = Stage(), list[str]()
    text = """
    [[steps]]
    do = "host 0 wake"
    expect = { host = "0", state = "on" }
    expect_event = "host.on"
    [[steps]]
    kill = true
    [[steps]]
    do = "host 0 finger"
    expect_presses = { line = "power-button", count = 1 }
    [[never]]
    line = "power-button"
    longer_than_ms = 200
    """
    Player(scenario(tmp_path, text), stage, told.append).play()
    assert stage.said == ["host 0 wake", "host 0 finger"]
    assert stage.kills == 1
    assert [line.split("s  ", 1)[1] for line in told] == [
        "do host 0 wake",
        "expect host 0 on: yes",
        "expect event host.on: yes",
        "killed the agent, and started it again",
        "do host 0 finger",
        "expect 1 presses of line power-button: yes",
        "line power-button was never active for more than 200 ms: 200.0 ms",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[[steps]]\nexpect = { host = "0", state = "on", within_s = 0 }',
            "step 1: expect host 0 on within 0 s: no, it is off",
        ),
        (
            '[[steps]]\nexpect_event = "agent.started"\nwithin_s = 0',
            "step 1: expect event agent.started within 0 s: no, there were: none",
        ),
        (
            '[[steps]]\ndo = "host 0 wake"\nexpect_event = "host.on"\n'
            '[[steps]]\nexpect_event = "host.on"\nwithin_s = 0',
            "step 2: expect event host.on within 0 s: no, there were: none",
        ),
        (
            '[[steps]]\nexpect_presses = { line = "power-button", count = 2 }\nwithin_s = 0',
            "step 1: expect 2 presses of line power-button within 0 s: no, 0",
        ),
        (
            '[[steps]]\ndo = "host 0 finger"\nexpect_presses = { line = "power-button", count = 0 }',
            "step 1: expect 0 presses of line power-button: no, 1",
        ),
        (
            '[[steps]]\nexpect_output = { line = "power-button", active = true, within_s = 0 }',
            "step 1: expect line power-button active within 0 s: no, it is inactive",
        ),
        (
            '[[steps]]\nexpect_document = { name = "moon", key = "phase", is = "full", within_s = 0 }',
            "step 1: expect moon phase = 'full' within 0 s: no, there is no such document",
        ),
        (
            '[[never]]\nline = "power-button"\nlonger_than_ms = 100\n[[steps]]\ndo = "host 0 finger"',
            "never line power-button active for more than 100 ms: it was, for 200.0 ms",
        ),
        (
            '[[never_event]]\nevent = "host.on"\n[[steps]]\ndo = "host 0 wake"',
            "never host.on: it came: it is on",
        ),
    ],
)
def test_what_is_not_so_is_a_failure(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ScenarioFailed) as failed:
        Player(scenario(tmp_path, text), Stage()).play()
    assert str(failed.value) == told


def test_a_press_may_come_late_and_be_over_when_it_is_looked_for(tmp_path: Path) -> None:
    class Late(Stage):
        looks = 0

        def outputs(self) -> Mapping[str, Mapping[str, Any]]:
            self.looks += 1
            if self.looks == 4:
                self.happen(["finger"])
            return super().outputs()

    stage = Late()
    text = '[[steps]]\nexpect_presses = { line = "power-button", count = 1 }'
    Player(scenario(tmp_path, text), stage).play()
    assert stage.looks >= 4


def test_replies(tmp_path: Path) -> None:
    stage = Stage()
    text = """
    [[steps]]
    ask = { host = "0", action = "on", label = "first" }
    expect_reply = "done"
    within_s = 0
    """
    with pytest.raises(ScenarioFailed, match="expect reply done within 0 s: no, no reply yet"):
        Player(scenario(tmp_path, text), stage).play()
    stage.may_reply.set()
    stage.reply = ("failed", "it did not rise")
    with pytest.raises(ScenarioFailed, match="expect reply done: no, it is failed: it did not rise"):
        Player(scenario(tmp_path, text.replace("within_s = 0", "")), stage).play()
