# SPDX-License-Identifier: Apache-2.0
"""Every method of a running board, asked well and asked badly, against the schemas in docs/schemas/requests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from agent.control.client import stream
from tests.clients.demo import start_demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "docs/schemas"
ALL_METHODS = {
    schema["method"]: schema
    for file in (DOCUMENTS / "requests").glob("*.json")
    if (schema := json.loads(file.read_text()))
}
METHODS = {method: schema for method, schema in ALL_METHODS.items() if not method.startswith(("energy/", "fleet/"))}
"""Of every board; those of `[energy]` are asked in test_energy_methods.py, of `[fleet]` in test_fleet_node.py."""
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema))
    for file in DOCUMENTS.glob("*.json")
    if (schema := json.loads(file.read_text()))
)

GOOD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("hosts/power/on", {"key": "morning"}),
    ("hosts/power/on", {"key": "morning"}),
    ("hosts/power/on", {"host": "0"}),
    ("hosts/reset", {}),
    ("hosts/power/cycle", {}),
    ("hosts/power/off", {"mode": "soft"}),
    ("chassis/power/on", {}),
    ("chassis/power/on", {}),
    ("hosts/status", {}),
    ("hosts/status", {"host": "0"}),
    ("chassis/status", {}),
    ("system/status", {}),
    ("domains/list", {}),
    ("chassis/power/off", {"mode": "force"}),
    ("safety/override", {"reason": "smoke", "policies": ["thermal-check"], "seconds": 5}),
    ("policies/get", {}),
    ("safety/override/end", {}),
    ("safety/override/end", {}),
    ("system/emergency/off", {"reason": "drill"}),
    ("operations/list", {}),
    ("operations/list", {"active": True, "latest": 1}),
    ("audit/list", {"latest": 256}),
    ("health/check", {}),
    ("metrics/get", {"prometheus": True}),
    ("metrics/get", {}),
    ("config/get", {}),
    ("config/update", {"telemetry": {"interval_s": 2, "heartbeat_s": None}}),
    ("policies/update", {"restore": "previous", "safety": {"min_off_s": 0.5}, "sequencing": {"attempts": 2}}),
    ("policies/update", {"operations": {"conflict": "queue"}, "emergency": {"override_s": 30}}),
    ("supplies/update", {"supply": "1", "rank": 2}),
    ("hosts/panel", {"host": "0"}),
    ("trends/get", {}),
    ("trends/get", {"reading": "supply_set/pin_w", "span": "hour"}),
    ("methods/list", {}),
    ("methods/describe", {"method": "methods/describe"}),
)
"""On every board."""

ON_ONE_HOST: tuple[tuple[str, dict[str, Any]], ...] = (("hosts/power/on", {}), ("hosts/nmi", {}))
"""chassis-4-node has no NMI buttons."""

WITH_DOMAINS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("domains/power/on", {"domain": "fans"}),
    ("domains/power/on", {"domain": "fans"}),
    ("domains/power/off", {"domain": "fans"}),
)

BAD: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("hosts/power/on", {"host": "none"}, "unknown-host"),
    ("hosts/power/off", {"mode": "gently"}, "bad-arguments"),
    ("hosts/power/cycle", {"mode": "soft"}, "bad-arguments"),
    ("hosts/reset", {"host": "none"}, "unknown-host"),
    ("hosts/nmi", {"key": ""}, "bad-arguments"),
    ("domains/power/on", {"domain": "none"}, "unknown-domain"),
    ("domains/power/off", {}, "bad-arguments"),
    ("chassis/power/on", {"domain": "main"}, "bad-arguments"),
    ("chassis/power/off", {"force": "yes"}, "bad-arguments"),
    ("system/emergency/off", {"reason": 7}, "bad-arguments"),
    ("operations/abort", {"id": "none"}, "unknown-operation"),
    ("operations/list", {"id": "none"}, "unknown-operation"),
    ("audit/list", {"latest": "all"}, "bad-arguments"),
    ("hosts/status", {"host": "none"}, "unknown-host"),
    ("chassis/status", {"host": "0"}, "bad-arguments"),
    ("system/status", {"host": "0"}, "bad-arguments"),
    ("health/check", {"host": "0"}, "bad-arguments"),
    ("domains/list", {"host": "0"}, "bad-arguments"),
    ("metrics/get", {"prometheus": "yes"}, "bad-arguments"),
    ("config/get", {"key": "telemetry.interval_s"}, "bad-arguments"),
    ("config/update", {"telemetry": {"interval_s": 0}}, "bad-arguments"),
    ("config/update", {"telemetry": {}}, "blocked"),
    ("policies/get", {"restore": "on"}, "bad-arguments"),
    ("policies/update", {"restore": "off", "safety": {"min_off_s": -1}}, "blocked"),
    ("policies/update", {"redundancy": {"period_s": 5}}, "blocked"),
    ("policies/update", {"sequencing": {"no_such": 1}}, "blocked"),
    ("safety/override", {"reason": "x", "policies": ["dependencies"]}, "bad-arguments"),
    ("safety/override", {}, "bad-arguments"),
    ("safety/override/end", {"reason": "x"}, "bad-arguments"),
    ("supplies/update", {"supply": "none", "rank": 1}, "blocked"),
    ("hosts/panel", {"masked": ["nmi"]}, "bad-arguments"),
    ("hosts/panel", {"host": "0", "masked": ["power"]}, "not-wired"),
    ("trends/get", {"reading": "none"}, "bad-arguments"),
    ("methods/list", {"host": "0"}, "bad-arguments"),
    ("methods/describe", {"method": "no/such"}, "unknown-method"),
)
BY_VALUE = {"unknown-host", "unknown-domain", "unknown-operation", "unknown-method", "not-wired"}
"""Refused for what is named: the schema of the arguments knows no names."""
ON_VALUES = {("safety/override", "bad-arguments"), ("supplies/update", "blocked"), ("trends/get", "bad-arguments")}
ON_VALUES |= {("config/update", "blocked"), ("policies/update", "blocked")}
"""The same for single methods, which look at the whole before they refuse."""


@pytest.fixture(scope="module", params=["sim", "chassis-4-node"])
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = start_demo(tmp_path_factory.mktemp("demo"), "--profile", request.param, "--simulated")
    yield running
    code, output = running.stop()
    assert code == 0, output
    assert "Traceback" not in output, output


def answers(demo: Demo, method: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    told = list(stream(demo.state_dir / "pgood.sock", "call", name=method, given=arguments))
    assert told, method
    assert [one["final"] for one in told] == [False] * (len(told) - 1) + [True]
    return told


def wrong(schema: dict[str, Any], document: object) -> list[str]:
    validator = Draft202012Validator(schema, registry=REGISTRY)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_schemas_are_those_of_the_methods() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/request_schemas.py", "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_schemas_are_schemas_and_close_their_objects() -> None:
    for method, schemas in METHODS.items():
        for half in ("request", "answer"):
            Draft202012Validator.check_schema(schemas[half])
        assert schemas["request"]["additionalProperties"] is False, method


def test_every_method_has_a_schema_and_tells_it(board: Demo) -> None:
    (listed,) = answers(board, "methods/list", {})
    assert set(listed["data"]["methods"]) == METHODS.keys()
    for method, schemas in METHODS.items():
        (told,) = answers(board, "methods/describe", {"method": method})
        assert {key: told["data"][key] for key in ("method", "request", "answer")} == schemas


def test_answers_are_as_described(board: Demo) -> None:
    domains = any("fans" in name for name in board.status()["documents"])
    asked = set()
    for method, arguments in (*GOOD, *(WITH_DOMAINS if domains else ON_ONE_HOST)):
        schemas = METHODS[method]
        assert not wrong(schemas["request"], arguments), (method, arguments)
        for told in answers(board, method, arguments):
            assert told["ok"], (method, arguments, told)
            assert not wrong(schemas["answer"], told["data"]), (method, told)
            carries = len(schemas["answer"]["anyOf"]) > 1
            assert (told["data"] is not None) is carries, (method, told)
        asked.add(method)
    elsewhere = {"operations/abort", *(("hosts/nmi",) if domains else ("domains/power/on", "domains/power/off"))}
    assert METHODS.keys() - asked == elsewhere


def test_an_aborted_operation_is_as_described(board: Demo) -> None:
    """Aborted while it waits behind a soft off that the system ignores: it has not begun anything yet."""
    answers(board, "chassis/power/on", {})
    answers(board, "policies/update", {"operations": {"conflict": "queue"}})
    board.pgood("sim", "host", "0", "hang")
    control = board.state_dir / "pgood.sock"
    ignored = stream(control, "call", name="hosts/power/off", given={"host": "0", "mode": "soft"})
    assert not next(ignored)["final"]
    running = stream(control, "call", name="chassis/power/on", given={})
    told = [next(running)]
    (abort,) = answers(board, "operations/abort", {"id": told[0]["operation"]})
    assert (abort["ok"], abort["data"]) == (True, None), abort
    assert not wrong(METHODS["operations/abort"]["answer"], abort["data"])
    told += running
    assert told[-1]["final"]
    for one in told:
        assert not wrong(METHODS["chassis/power/on"]["answer"], one["data"]), one
    board.pgood("sim", "host", "0", "normal")
    answers(board, "chassis/power/off", {"mode": "force"})
    assert list(ignored)[-1]["final"]


def test_refusals_are_as_described(board: Demo) -> None:
    answers(board, "chassis/power/off", {"mode": "force"})
    asked = set()
    for method, arguments, verdict in BAD:
        schemas = METHODS[method]
        (told,) = answers(board, method, arguments)
        assert (told["ok"], told["verdict"]) == (False, verdict), (method, arguments, told)
        assert told["reason"], method
        assert not wrong(schemas["answer"], told["data"]), (method, told)
        if verdict not in BY_VALUE and (method, verdict) not in ON_VALUES:
            assert wrong(schemas["request"], arguments), (method, arguments)
        asked.add(method)
    assert asked == METHODS.keys()


def test_the_page_names_every_method_with_its_arguments() -> None:
    rows: dict[str, str] = {}
    for line in (ROOT / "docs/mqtt.md").read_text().splitlines():
        cells = line.split("|")
        if len(cells) == 5:
            for name in re.findall(r"`([a-z/-]+)`", cells[1]):
                rows[name] = cells[2]
    for method, schemas in ALL_METHODS.items():
        assert method in rows, f"docs/mqtt.md: {method}"
        missing = [
            name for name in schemas["request"].get("properties", {}) if not re.search(rf"\b{name}\b", rows[method])
        ]
        assert not missing, f"docs/mqtt.md: {method}: {missing}"
