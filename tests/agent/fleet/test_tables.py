# SPDX-License-Identifier: Apache-2.0
"""`[fleet]`: every key is on its page, the page's files are good, and what does not fit is refused with its cure."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.fleet.tables import FleetHostTable, FleetTable, TimesTable, fleet_table
from agent.profile.problem import ConfigError
from agent.profile.site import Site, SiteSelf
from tests.agent.profile.test_profiles_page import DOCS, named

FILE = Path("site.toml")
SELF, ENERGY = Site(self_=SiteSelf()), Site(energy={})
BUDGET: dict[str, Any] = {"base_w": 60, "peak_w": 250}


def checked(tree: dict[str, Any], site: Site = Site(), hosts: tuple[str, ...] = ("0",)) -> FleetTable:  # noqa: B008 frozen
    return fleet_table({"segment": "hall", **tree}, FILE, "", site, hosts)


@pytest.mark.parametrize("kind", [FleetTable, FleetHostTable, TimesTable])
def test_every_key_is_on_the_page(kind: type[msgspec.Struct]) -> None:
    assert set(kind.__struct_encode_fields__) <= named((DOCS / "fleet-nodes.md").read_text())


def test_site_files_on_the_page_are_good() -> None:
    blocks = [
        tomllib.loads(block)
        for block in re.findall(r"```toml\n(.*?)```", (DOCS / "fleet-nodes.md").read_text(), re.DOTALL)
    ]
    files = [block for block in blocks if "fleet" in block]
    assert len(files) >= 2
    for block in files:
        fleet_table(block["fleet"], FILE, "", msgspec.convert(block, Site), ("0",))


@pytest.mark.parametrize(
    ("tree", "site", "hosts", "why"),
    [
        ({"segment": "a.b"}, Site(), ("0",), "fleet.segment"),
        ({"segment": "kv"}, Site(), ("0",), "fleet.segment: kv is a topic of the bus itself"),
        ({"node": "bee\n"}, Site(), ("0",), "fleet.node"),
        ({"pace": 1}, Site(), ("0",), "docs/fleet-nodes.md"),
        ({"target": True}, Site(), ("0",), "add a table [self]"),
        ({"target": True}, SELF, (), "one host, which is this computer's own operating system (it has 0)"),
        ({"target": True}, SELF, ("0", "1"), "it has 2"),
        ({"target": True, "hosts": {"0": {"node": "a"}}}, SELF, ("0",), "take the table out"),
        ({"hosts": {"7": {"node": "a"}}}, Site(), ("0",), "names no host (here: '7'; the profile has: 0)"),
        ({"hosts": {"0": {"node": "a"}, "1": {"node": "a"}}}, Site(), ("0", "1"), "'a' is fleet.hosts.0.node already"),
        ({"node": "a", "hosts": {"0": {"node": "a"}}}, Site(), ("0",), "'a' is fleet.node already"),
        ({"hosts": {"0": {}}}, Site(), ("0",), "fleet.hosts.0: give either node"),
        ({"hosts": {"0": {"node": "a", "wakes": "b"}}}, Site(), ("0",), "fleet.hosts.0: give either node"),
        ({"hosts": {"0": {"wakes": "a", "pinned": "x"}}}, Site(), ("0",), "'a' decides itself when it sleeps"),
        ({"node": "a", "hosts": {"0": {"wakes": "a"}}}, Site(), ("0",), "'a' is fleet.node already"),
        ({"nodes": ["b"], "hosts": {"0": {"wakes": "a"}}}, Site(), ("0",), "'a' is not in fleet.nodes"),
        ({"base_w": 60}, ENERGY, (), "fleet.peak_w: is missing"),
        ({"peak_w": 60}, ENERGY, (), "fleet.base_w: is missing"),
        ({"base_w": 60, "peak_w": 50}, ENERGY, (), "must not be larger than peak_w"),
        ({"base_w": float("nan"), "peak_w": 50}, ENERGY, (), "fleet.base_w"),
        (BUDGET, Site(), (), "add a table [energy]"),
        (BUDGET, Site(energy={"min_w": 61}), (), "must not be less than energy.min_w (here: 60 and 61)"),
        ({"broadcast": "router"}, Site(), (), "is no IPv4 address"),
        ({"times": {"awake_s": 4}}, Site(), (), "fleet.times.awake_s"),
        ({"times": {"takeover_s": 5, "boot_s": 5}}, Site(), (), "times.takeover_s: must be less than boot_s (here: 5"),
        ({"wake_card": "../x"}, Site(), (), "fleet.wake_card"),
        ({}, SELF, ("0",), "fleet: names nothing to do: add target = true"),
    ],
)
def test_what_does_not_fit_is_refused(tree: dict[str, Any], site: Site, hosts: tuple[str, ...], why: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(why)):
        checked(tree, site, hosts)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        checked({"target": True, "base_w": 60, "broadcast": "x"})
    assert len(refused.value.problems) == 3


def test_unless_given_the_segment_is_the_power_domain() -> None:
    assert checked(BUDGET, ENERGY).power_domain == "hall"
    assert checked({**BUDGET, "domain": "rack-1"}, ENERGY).power_domain == "rack-1"


def test_an_agent_without_a_fleet_imports_nothing_of_it() -> None:
    program = (
        "import sys, agent.cli.run, agent.cli.demo\n"
        "print([name for name in sys.modules if name.startswith(('agent.fleet', 'agent.board.fleet'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
