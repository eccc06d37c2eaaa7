# SPDX-License-Identifier: Apache-2.0
"""Kinds of other packages: a real package in a folder on sys.path, found by its entry points."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters import registry
from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Level, Surroundings
from agent.power.request import Action, HostState, Request, Verdict
from agent.profile.load import load_profile
from agent.profile.problem import ConfigError
from agent.profile.schema import Profile
from tests.agent.board.boards import RunningBoard, on_a_board
from tests.agent.hardware.adapters.worlds import bad, play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACME = """
from agent.hardware.adapters.interface import Ability, AdapterKind, AdapterOptions, Level, Sense

class Options(AdapterOptions, frozen=True, kw_only=True):
    outlet: int

MACHINES = {}

class Strip:
    abilities = frozenset({Ability.ON, Ability.OFF, Ability.SENSE})
    reports = True
    def __init__(self, options, around):
        self.outlet, self.around, self.tell, self.sent = options.outlet, around, lambda sense: None, 0
        MACHINES[options.outlet] = self
        self.level = Level.OFF
    async def start(self, tell):
        self.tell = tell
        tell(Sense(self.level))
    async def act(self, ability, when):
        if ability not in (Ability.ON, Ability.OFF):
            raise self.around.error("cannot")
        when.confirm(self.level)
        self.sent += 1
        self.switch(Level.ON if ability is Ability.ON else Level.OFF)
    def switch(self, level):
        if level is not self.level:
            self.level = level
            self.tell(Sense(level))
    async def close(self):
        self.tell = lambda sense: None

KIND = AdapterKind("outlets of an ACME strip", Options, lambda options: Strip.abilities, Strip)
NOTHING = object()
"""
ENTRY_POINTS = """[pgood.adapters]
acme-strip = acme_strip:KIND
acme-nothing = acme_strip:NOTHING
acme-lost = acme_strip:NOT_THERE
acme-broken = acme_broken:KIND
acme-exits = acme_exits:KIND
command = acme_strip:KIND
"""
PROFILE = """
schema = 1
name = "acme"
[board]
simulated = true
[adapters.strip]
kind = "acme-strip"
outlet = 3
[adapters.other]
kind = "acme-broken"
anything = "goes"
[[hosts]]
name = "0"
controls = { on = "strip", off = "strip", sense = "strip" }
timing.cycle_off_ms = 100
[[hosts]]
name = "1"
controls = { on = "other", off = "other", sense = "other" }
"""


@pytest.fixture(autouse=True)
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as an installer leaves it."""
    site = tmp_path / "site-packages"
    info = site / "acme_strip-2.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-strip\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "acme_strip.py").write_text(ACME)
    (site / "acme_broken.py").write_text("import a_library_that_is_not_installed\n")
    (site / "acme_exits.py").write_text("raise SystemExit(1)\n")
    monkeypatch.syspath_prepend(str(site))
    yield
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


def test_kinds_are_found_with_their_origin() -> None:
    found = registry.find("acme-strip")
    assert found is not None
    assert found.kind is not None
    assert (found.origin, found.kind.summary) == ("acme-strip 2.1", "outlets of an ACME strip")
    assert set(registry.BUILT_IN) | {"acme-strip", "acme-broken"} <= set(registry.names())
    assert registry.find("nobody-has-this") is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("acme-broken", "ModuleNotFoundError: No module named 'a_library_that_is_not_installed'"),
        ("acme-exits", "cannot be imported: SystemExit"),
        ("acme-lost", "cannot be imported: AttributeError"),
        ("acme-nothing", "is no AdapterKind"),
    ],
)
def test_a_broken_kind_says_why(name: str, why: str) -> None:
    found = registry.find(name)
    assert found is not None
    assert found.kind is None
    assert why in found.error
    assert "acme-strip 2.1" in found.error


def test_a_built_in_kind_cannot_be_shadowed() -> None:
    found = registry.find("command")
    assert found is not None
    assert found.origin == "pgood"
    shadows = [one for one in registry.everything() if one.name == "command" and one.origin != "pgood"]
    assert [one.error for one in shadows] == ["the name is taken already: this one is not used"]


def test_damaged_metadata_is_survived(tmp_path: Path) -> None:
    (tmp_path / "site-packages" / "acme_strip-2.1.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[[[")
    assert registry.find("acme-strip") is None
    assert registry.find("wol") is not None


def test_options_are_checked_like_ours(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(PROFILE.replace("outlet = 3", 'outlett = 3\noutlet = "three"'))
    with pytest.raises(ConfigError) as caught:
        load_profile(file)
    assert [problem.path for problem in caught.value.problems] == [
        ("adapters", "strip", "outlett"),
        ("adapters", "strip", "outlet"),
    ]
    assert "did you mean 'outlet'?" in str(caught.value)


def test_one_broken_package_leaves_the_other_hosts_their_agent(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        hosts = running.board.services.hosts
        await running.until(lambda: hosts["0"].view().state is HostState.OFF)
        assert (await hosts["0"].run(Request(Action.ON, "test"))).verdict is Verdict.DONE
        await running.until(lambda: not hosts["0"]._machine.pressing)  # the sense was faster than the command's end
        assert (await hosts["0"].run(Request(Action.CYCLE, "test"))).verdict is Verdict.DONE
        assert hosts["1"].view().state is HostState.UNKNOWN
        await running.until(lambda: "a_library_that_is_not_installed" in hosts["1"].view().reason)
        assert (await hosts["1"].run(Request(Action.ON, "test"))).verdict is Verdict.NOT_IN_THIS_STATE

    on_a_board(tmp_path, PROFILE, story)


def test_it_runs_the_conformance_test() -> None:
    async def story() -> None:
        found = registry.find("acme-strip")
        assert found is not None
        assert found.kind is not None
        options = found.kind.options(outlet=1)  # type: ignore[call-arg]
        strip = found.kind.make(options, Surroundings("adapters.strip", Profile(schema=1, name="test")))

        class World:
            async def become(self, level: Level) -> None:
                strip.switch(level)  # type: ignore[attr-defined]

            async def level(self) -> Level:
                return strip.level  # type: ignore[attr-defined, no-any-return]

            async def commands(self) -> int:
                return strip.sent  # type: ignore[attr-defined, no-any-return]

            async def cut(self) -> bool:
                return False

            async def mend(self) -> None:
                await asyncio.sleep(0)

        assert not bad(await check_adapter("adapters.strip", lambda: strip, World(), patience_s=2))

    play(story)
