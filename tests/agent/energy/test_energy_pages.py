# SPDX-License-Identifier: Apache-2.0
"""The pages of [energy] name every key and every kind, and lead to each other."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from agent.energy.actuators import registry as actuators
from agent.energy.battery import BatteryOptions
from agent.energy.battery_tables import BatteryTable
from agent.energy.kubernetes.table import KubernetesTable
from agent.energy.meter_tables import HwmonTable, LoadTable, PiTable, RaplTable, SuppliesTable
from agent.energy.nut import NutOptions
from agent.energy.policy_tables import OF_SIGNAL, EfficientTable, SupplyTable, ThermalTable
from agent.energy.policy_tables import BatteryTable as BatteryPolicyTable
from agent.energy.signals import registry as signals
from agent.energy.signals.table import SignalTable
from agent.energy.tables import EnergyTable, energy_table
from tests.agent.profile.test_profiles_page import DOCS, named

if TYPE_CHECKING:
    from pathlib import Path

    import msgspec

POLICIES = (*OF_SIGNAL, EfficientTable, ThermalTable, SupplyTable, BatteryPolicyTable)
METERS = (RaplTable, SuppliesTable, HwmonTable, PiTable, LoadTable)
PAGES: dict[type[msgspec.Struct], str] = {
    EnergyTable: "energy.md",
    SignalTable: "energy-signals.md",
    BatteryTable: "energy.md",
    NutOptions: "energy.md",
    BatteryOptions: "energy-models.md",
    KubernetesTable: "energy-kubernetes.md",
    **dict.fromkeys((*POLICIES, *METERS), "energy.md"),
    **dict.fromkeys((kind.options for kind in actuators.KINDS.values()), "energy-actuators.md"),
}
EXAMPLES = sorted((DOCS / "examples").glob("energy*.toml"))


@pytest.mark.parametrize("table", PAGES, ids=lambda table: table.__name__)
def test_every_key_is_on_its_page(table: type[msgspec.Struct]) -> None:
    missing = set(table.__struct_encode_fields__) - named((DOCS / PAGES[table]).read_text())
    assert not missing, f"{PAGES[table]} must name {', '.join(sorted(missing))}"


def test_every_kind_is_on_its_page() -> None:
    page = (DOCS / "energy.md").read_text()
    for table in (*POLICIES, *METERS):
        assert f"| `{table.__struct_config__.tag}` |" in page, table
    for page_name, names in (("energy-actuators.md", actuators.KINDS), ("energy-signals.md", signals.BUILT_IN)):
        for name in names:
            assert f"`{name}`" in (DOCS / page_name).read_text(), name


@pytest.mark.parametrize("page", sorted(DOCS.glob("energy*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
        there = page if not target else page.parent / target
        assert there.exists(), f"{page.name}: {target}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in slugs, f"{page.name}: {target}#{anchor}"


@pytest.mark.parametrize("page", ["energy.md"])
def test_site_files_on_the_page_are_good(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        energy_table(tomllib.loads(block)["energy"], tmp_path / "site.toml", block, (), {})


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_are_good(file: Path) -> None:
    energy_table(tomllib.loads(file.read_text())["energy"], file, file.read_text(), ("cpu",), {})
