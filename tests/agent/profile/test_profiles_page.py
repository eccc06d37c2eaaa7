# SPDX-License-Identifier: Apache-2.0
"""docs/profiles.md, or the page that it links for a table, names every key of every table of profile and site file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec import inspect

from agent.profile.base import Table
from agent.profile.schema import Profile
from agent.profile.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[3] / "docs"
PAGE = "profiles.md"
ELSEWHERE = {
    "ZoneTable": "thermal.md",
    "TripTable": "thermal.md",
    "FanTable": "thermal.md",
    "CurveTable": "thermal.md",
    "SensorTable": "thermal.md",
    "ControlsTable": "adapters.md",
    "DomainTable": "power.md",
    "SafetyPolicies": "power.md",
    "SequencingPolicies": "power.md",
    "OperationPolicies": "power.md",
    "EmergencyPolicies": "power.md",
    "SiteMetrics": "power.md",
    "TelemetryRule": "mqtt.md",
    "SiteMqtt": "mqtt.md mqtt-spool.md",
    "SiteRole": "mqtt.md",
    "SiteDiscovery": "home-assistant.md",
}
"""The pages that describe a table beside docs/profiles.md, which links them."""


def tables(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """A table and every table in it."""
    yield kind
    for inner in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]
        for struct in structs(inner.type):
            yield from tables(struct)


def structs(node: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(node, inspect.StructType):
        yield node.cls
        return
    for part in ("item_type", "value_type", "type"):
        if hasattr(node, part):
            yield from structs(getattr(node, part))
    for part in ("item_types", "types"):
        for inner in getattr(node, part, ()):
            yield from structs(inner)


def named(text: str) -> set[str]:
    """Every word within code: `key`, `table.key`, blocks of TOML."""
    code = re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL)
    return set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", "\n".join(code)))


TABLES = sorted({*tables(Profile), *tables(Site)}, key=lambda kind: kind.__name__)


def test_every_table_is_found() -> None:
    names = {kind.__name__ for kind in TABLES}
    assert {"HostTable", "TimingTable", "DomainTable", "CurveTable", "StepTable", "SafetyPolicies", "SiteRole"} <= names
    assert {kind.__name__ for kind in Table.__subclasses__() if kind.__module__.startswith("agent.profile.")} <= names


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_key_is_on_the_page(kind: type[msgspec.Struct]) -> None:
    page = (DOCS / PAGE).read_text()
    others = ELSEWHERE.get(kind.__name__, "").split()
    missing = set(kind.__struct_encode_fields__) - named(page + "".join((DOCS / name).read_text() for name in others))
    assert not missing, f"{' and '.join([PAGE, *others])} must name {', '.join(sorted(missing))}"
    assert [name for name in others if f"]({name}" not in page] == [], f"{PAGE} must link them"
