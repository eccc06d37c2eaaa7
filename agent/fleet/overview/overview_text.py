# SPDX-License-Identifier: Apache-2.0
"""A fleet as lines for a person: groups first, then nodes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.fleet.overview.overview import GroupRow, NodeRow

NODE_TITLES = ("NODE", "WHERE", "STATE", "TARGET", "WATTS", "CAP", "PRIORITY", "GROUP", "SEEN", "REASON")
GROUP_TITLES = ("GROUP", "KIND", "WATTS", "COUNTED", "ALLOWED", "NODES", "SILENT", "BAND", "TROUBLE")
NUMBERS = frozenset({"WATTS", "CAP", "SEEN", "COUNTED", "ALLOWED", "NODES", "SILENT"})
NONE = "-"


def lines(
    nodes: Sequence[NodeRow], groups: Sequence[GroupRow], refused: Mapping[str, int], most: int | None = None
) -> list[str]:
    """`most` lines at most: what does not fit is counted."""
    above = [*table(GROUP_TITLES, map(_group_cells, groups)), ""] if groups else []
    below = [f"refused: {count} {name}" for name, count in sorted(refused.items())]
    told = table(NODE_TITLES, map(_node_cells, nodes)) if nodes else ["no node was heard of"]
    if most is not None and len(above) + len(told) + len(below) > most:
        room = max(most - len(above) - len(below) - 1, 1)
        told = [*told[:room], f"... {len(told) - room} more"]
    return above + told + below


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns as wide as their longest cell; numbers to the right."""
    cells = [tuple(titles), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(titles))]
    return [
        "  ".join(
            cell.rjust(width) if title in NUMBERS else cell.ljust(width)
            for cell, width, title in zip(row, widths, titles, strict=True)
        ).rstrip()
        for row in cells
    ]


def printable(text: str) -> str:
    """What others say must not command the terminal."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _node_cells(row: NodeRow) -> tuple[str, ...]:
    cap = NONE if row.cap_w is None else f"{row.cap_w:.0f}{'' if row.proven else '?'}"
    return (
        row.node,
        row.segment or row.domain,
        row.state or NONE,
        row.target or NONE,
        NONE if row.watts is None else f"{row.watts:.0f}",
        cap,
        row.priority or NONE,
        row.group or NONE,
        _ago(row.seen_s),
        printable(row.reason),
    )


def _group_cells(row: GroupRow) -> tuple[str, ...]:
    state = row.state
    name = f"{state.domain}/{state.group}"
    if not row.fresh:
        return (name, printable(state.kind), NONE, NONE, NONE, str(state.nodes), NONE, NONE, "nobody coordinates")
    trouble = [*map(printable, state.emergencies), *(["short of power"] if state.short else [])]
    if state.problem and not trouble:
        trouble = ["over its limit, or blind"]
    return (
        name,
        printable(state.kind),
        f"{state.watts:.0f}",
        f"{state.counted_w:.0f}",
        f"{state.allowed_w:.0f}",
        str(state.nodes),
        str(state.silent),
        printable(state.band),
        ", ".join(trouble) or NONE,
    )


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return NONE
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
