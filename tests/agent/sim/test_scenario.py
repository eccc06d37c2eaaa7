# SPDX-License-Identifier: Apache-2.0
"""Scenario files that are wrong are told with file, line and cure, before anything is played."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.profile.problem import ConfigError
from agent.sim.scenario import load_scenario

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'schema = 1\nname = "x"\ndescription = "x"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[steps]]\ndoo = "load 5"', ":5: steps[0].doo: unknown key; did you mean 'do'?"),
        (
            "[[steps]]\nnever_heard_of = 1",
            ":5: steps[0].never_heard_of: unknown key; the keys of this table are in docs/sim",
        ),
        ('[[steps]]\nnote = "so what"', ":4: steps[0]: does nothing; its keys are in docs/simulation.md"),
        ('[[steps]]\ndo = "host 7 crash"', ":5: steps[0].do: this board has no host '7'; it has: 0"),
        ('[[steps]]\ndo = "host 0 drop soon"', ":5: steps[0].do: a time is a number (not 'soon')"),
        ('[[steps]]\ndo = "host \'0 crash"', ":5: steps[0].do: No closing quotation"),
        ('[[steps]]\ndo = "supply 1 remove"', ":5: steps[0].do: a scenario that plays with supplies"),
        ('[[steps]]\nask = { host = "0" }', ":5: steps[0].ask: needs either 'action' with 'host', or 'method'"),
        ('[[steps]]\nask = { host = "3", action = "on" }', ":5: steps[0].ask.host: there is no host '3'; there are: 0"),
        ('[[steps]]\nask = { host = "0", action = "jump" }', ":5: steps[0].ask.action: invalid enum value 'jump'"),
        ('[[steps]]\nexpect = { host = "0", state = "up" }', ":5: steps[0].expect.state: invalid enum value 'up'"),
        ('[[steps]]\nexpect_event = "host.flew"', ":5: steps[0].expect_event: invalid enum value 'host.flew'"),
        ('[[steps]]\nexpect_reply = "done"', ":5: steps[0].expect_reply: nothing was asked before"),
        (
            '[[steps]]\nask = { host = "0", action = "on" }\nexpect_reply = { of = "a", is = "done" }',
            ":6: steps[0].expect_reply.of: there is no label 'a'; there are: none",
        ),
        (
            '[[steps]]\nexpect_presses = { line = "power-good", count = 0 }',
            ":5: steps[0].expect_presses.line: there is no output line 'power-good'; there are: identify-led",
        ),
        (
            '[[never]]\nline = "east"\nlonger_than_ms = 5\n[[steps]]\ndo = "load 5"',
            ":5: never[0].line: there is no output line 'east'",
        ),
        ('profile = "west"\nsteps = []', ":4: profile: west: no such profile file"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "x.toml"
    file.write_text(HEAD + text)
    with pytest.raises(ConfigError) as error:
        load_scenario(file)
    assert f"{file}{told}" in str(error.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(HEAD + '[[steps]]\ndo = "host 7 crash"\n[[steps]]\ndo = "host 8 crash"')
    with pytest.raises(ConfigError) as error:
        load_scenario(file)
    assert len(error.value.problems) == 2
