# SPDX-License-Identifier: Apache-2.0
"""What `pgood coordinator farm` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def farm_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """From the answer of the coordinator."""
    leads = "leads" if found["leads"] else "does not lead: ask the other"
    age_s = found["round_age_s"]
    last = "no round yet" if age_s is None else f"last round {age_s:.0f} s ago"
    yield f"farm: {leads}; {last}; {found['broker']}"
    for node in found["nodes"]:
        state, target = node["state"] or "unknown", node["target"] or "none"
        use = ", ".join(
            f"{name} {node['used'].get(name, 0):.3g} of {amount:.3g}" for name, amount in node["capacity"].items()
        )
        yield f"  {node['segment']}/{node['node']:16} {state:8} target {target:5} {use:30} {node['why']}".rstrip()
    for source, amounts in found["demand"].items():
        yield f"waiting: {source} asks for {_amounts(amounts)}"
    if found["unmet"]:
        yield f"too little: {_amounts(found['unmet'])} more than all machines together have"
    for segment in found["stranded"]:
        yield f"stranded: nobody is awake in segment {segment} to wake the others"
    for node in found["contested"]:
        yield f"contested: {node} has two targets of one revision: write it once more, with a higher one"
    for node, why in found["unwritten"].items():
        yield f"not written: the target of {node}: {why}"
    for name, count in found["refused"].items():
        yield f"refused: {count} {name}"


def _amounts(amounts: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {amount:.3g}" for name, amount in amounts.items())
