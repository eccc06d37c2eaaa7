# SPDX-License-Identifier: Apache-2.0
"""docs/fleet-budget.md: every key of a coordinator's file is on it, and its files are good."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from agent.fleet.budget.sites.site_tables import DeferrableTable, ParentTable
from agent.fleet.budget.tables import BandTable, GroupTable, NodeTable
from agent.fleet.program.coordinator_file import BudgetFile, CoordinatorTable, load_coordinator
from tests.agent.profile.test_profiles_page import DOCS, named

if TYPE_CHECKING:
    from pathlib import Path

    import msgspec

PAGE = (DOCS / "fleet-budget.md").read_text(encoding="utf-8")
HALL, ALL, PARENT, DEFERRABLE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def loaded(folder: Path, text: str) -> BudgetFile:
    """With passwords where the page has them."""
    secret = folder / "secret"
    secret.write_text("a password")
    secret.chmod(0o600)
    file = folder / "coordinator.toml"
    file.write_text(re.sub(r'"/etc/pgood/secrets/\w+"', f'"{secret}"', text))
    found = load_coordinator(file, "c").budget
    assert found is not None
    return found


@pytest.mark.parametrize("kind", [CoordinatorTable, GroupTable, NodeTable, BandTable, ParentTable, DeferrableTable])
def test_every_key_is_on_the_page(kind: type[msgspec.Struct]) -> None:
    assert set(kind.__struct_encode_fields__) - {"farm"} <= named(PAGE)


def test_the_file_on_the_page_is_good(tmp_path: Path) -> None:
    tree = loaded(tmp_path, HALL).tree
    assert (tree.root, sorted(tree.groups), sorted(tree.nodes)) == (
        "hall",
        ["hall", "rack1", "rack2"],
        ["db1", "job1", "web1"],
    )


def test_the_files_of_a_parent_and_a_site_are_good(tmp_path: Path) -> None:
    parent = loaded(tmp_path, ALL + DEFERRABLE)
    assert parent.deferrable is not None
    assert parent.deferrable.load_w == 2000
    site = loaded(tmp_path, HALL + PARENT).parent
    assert site is not None
    assert site.place.site in parent.tree.nodes
    assert (site.place.lease_ns, site.place.minimum_w) == (parent.timing.lease_ns, parent.tree.nodes["east"].base_w)
