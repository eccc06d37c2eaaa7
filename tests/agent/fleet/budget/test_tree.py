# SPDX-License-Identifier: Apache-2.0
"""Groups that cannot be meant are refused, with the place and the cure."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.budget.priority import Priority
from agent.fleet.budget.tables import BandTable, BudgetTable, GroupTable, NodeTable
from agent.fleet.budget.tree import TreeError, build_tree

NODE = NodeTable("research", base_w=100.0, peak_w=300.0)


def table(groups: dict[str, GroupTable], nodes: dict[str, NodeTable] | None = None) -> BudgetTable:
    return BudgetTable(groups, {"n": NODE} if nodes is None else nodes)


def test_a_good_tree() -> None:
    tree = build_tree(
        table(
            {"s": GroupTable("site", 1000.0, groups=("r",)), "r": GroupTable("rack", 500.0, nodes=("n", "m"))},
            {"n": NODE, "m": NodeTable("critical", 100.0, 200.0, floor_w=150.0, least_w=50.0)},
        )
    )
    assert list(tree.groups) == ["r", "s"]
    assert tree.root == "s"
    assert tree.nodes["n"].path == ("r", "s")
    assert tree.nodes["n"].floor_w == pytest.approx(165.0)
    assert tree.nodes["n"].least_w == 100.0
    assert tree.nodes["m"].priority is Priority.CRITICAL
    assert [node.name for node in tree.nodes_below("s")] == ["n", "m"]


@pytest.mark.parametrize(
    ("groups", "nodes", "words"),
    [
        (
            {"s": GroupTable("site", 1e3, groups=("r", "q")), "r": GroupTable("rack", 5e2, nodes=("n",)),
             "q": GroupTable("rack", 5e2, nodes=("n",))},
            None,
            "groups.q.nodes.0: n is already in r: what feeds it?",
        ),
        ({"s": GroupTable("site", 1e3, nodes=("n", "ghost"))}, None, "there is no ghost: add [nodes.ghost]"),
        ({"s": GroupTable("site", 1e3, groups=("x",), nodes=("n",))}, None, "there is no x: add [groups.x]"),
        (
            {"s": GroupTable("site", 1e3, nodes=("n",)), "a": GroupTable("room", 1e3, groups=("b",)),
             "b": GroupTable("rack", 1e3, groups=("a",))},
            None,
            "groups.a: is inside itself",
        ),
        ({"s": GroupTable("site", 1e3, groups=("s",), nodes=("n",))}, None, "groups.s: is inside itself"),
        (
            {"s": GroupTable("site", 1e3, nodes=("n",)), "t": GroupTable("site", 1e3)},
            None,
            "s, t are all outermost",
        ),
        ({"s": GroupTable("site", 1e3)}, None, "nodes.n: is in no group"),
        (
            {"s": GroupTable("rack", 1e3, groups=("r",)), "r": GroupTable("site", 5e2, nodes=("n",))},
            None,
            "a site cannot be in a rack",
        ),
        ({"s": GroupTable("site", 99.0, nodes=("n",))}, None, "are 100 W together: lower them, or raise limit_w"),
        ({"s": GroupTable("site", 1e3, reserve_w=1e3, nodes=("n",))}, None, "reserve_w: must be less than limit_w"),
        ({"s": GroupTable("site", 1e3, nodes=("n",))}, {"n": NodeTable("critical", 300.0, 200.0)}, "above peak_w"),
        (
            {"s": GroupTable("site", 1e3, nodes=("n",))},
            {"n": NodeTable("critical", 100.0, 200.0, floor_w=50.0)},
            "floor_w: must be from base_w to peak_w",
        ),
        (
            {"s": GroupTable("site", 1e3, nodes=("n",))},
            {"n": NodeTable("critical", 100.0, 200.0, least_w=150.0)},
            "least_w: must not be above base_w",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(groups: dict[str, GroupTable], nodes: dict[str, NodeTable] | None, words: str) -> None:
    with pytest.raises(TreeError) as caught:
        build_tree(table(groups, nodes))
    assert words in str(caught.value)


def test_what_is_below_a_cycle_is_not_blamed() -> None:
    groups = {
        "s": GroupTable("site", 1e3, groups=("r", "q")),
        "r": GroupTable("rack", 5e2, groups=("s",), nodes=("n",)),
        "q": GroupTable("rack", 5e2),
    }
    with pytest.raises(TreeError) as caught:
        build_tree(table(groups))
    named = {one.path[1] for one in caught.value.problems if "inside itself" in one.text}
    assert named == {"s", "r"}


def test_bands_out_of_order() -> None:
    with pytest.raises(TreeError, match="release < target < cap"):
        build_tree(BudgetTable({"s": GroupTable("site", 1e3, nodes=("n",))}, {"n": NODE}, BandTable(cap=0.9)))


@pytest.mark.parametrize("word", ["nan", "inf", "-1", "0"])
def test_watts_that_are_none(word: str) -> None:
    found = {"priority": "critical", "base_w": float(word), "peak_w": 300.0}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(found, NodeTable)


names = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.dictionaries(
        names,
        st.builds(
            GroupTable,
            st.sampled_from(["site", "room", "rack"]),
            st.floats(50, 1000),
            st.just(0.0),
            st.lists(names, max_size=3).map(tuple),
            st.lists(st.sampled_from(["n", "m"]), max_size=2).map(tuple),
        ),
        max_size=4,
    )
)
def test_any_shape_is_a_tree_or_named(groups: dict[str, GroupTable]) -> None:
    """Never anything but a tree in which every node has one way up, or problems."""
    try:
        tree = build_tree(table(groups, {"n": NODE, "m": NODE}))
    except TreeError as error:
        text = str(error)
    else:
        text = ""
    if text:
        return
    assert {node.name for node in tree.nodes_below(tree.root)} == {"n", "m"}
    assert all(node.path[-1] == tree.root for node in tree.nodes.values())
