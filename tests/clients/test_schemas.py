# SPDX-License-Identifier: Apache-2.0
"""Everything that a running board publishes, against the schemas in docs/schemas."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from jsonschema import Draft202012Validator

from tests.agent.mqtt.brokers import PATIENCE_S, Watcher
from tests.clients.demo import start_demo
from tests.clients.test_mqtt_clients import publish
from tests.patience import until

if TYPE_CHECKING:
    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
EXAMPLE = FOLDER.parent / "examples" / "energy-demo.toml"
SCHEMAS = {file.stem: Draft202012Validator(json.loads(file.read_text())) for file in FOLDER.glob("*.json")}

TOPICS = (
    (r"status|homeassistant/.*|(host|psu|thermal|policies|redundancy|request|energy)/.*", None),
    (r"info", "info"),
    (r"host/[^/]+/state", "host-state"),
    (r"psu/[^/]+/state", "psu-state"),
    (r"redundancy/state", "redundancy-state"),
    (r"thermal/[^/]+/state", "thermal-state"),
    (r"policies/state", "policies-state"),
    (r"(chassis|aux)/[^/]+/state", "domain-state"),
    (r"energy/state", "energy-state"),
    (r"event", "event"),
    (r"telemetry(/msgpack)?", "telemetry"),
    (r"(host/[^/]+|psu/[^/]+|redundancy|policies)/result", "result"),
    (r"response/.*", "response"),
)
"""The last one that fits counts; None = no JSON, or of somebody else."""

REQUESTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("hosts/power/on", {}),
    ("hosts/power/on", {"host": "none"}),
    ("hosts/status", {"transaction": 7}),
    ("chassis/status", {}),
    ("system/status", {}),
    ("operations/list", {}),
    ("health/check", {}),
    ("config/get", {}),
    ("config/update", {"telemetry": {"interval_s": 1}}),
    ("config/update", {"telemetry": {"interval_s": None}}),
    ("config/update", {"telemetry": {"interval_s": 0}}),
    ("policies/get", {}),
    ("policies/update", {"restore": "previous", "redundancy": {"rotation": False}}),
    ("policies/update", {"restore": "on", "redundancy": {"period_s": 5}}),
    ("policies/get", {}),
    ("policies/update", {"restore": "off", "redundancy": {"rotation": True}}),
    ("domains/list", {}),
    ("methods/list", {}),
    ("hosts/reset", {}),
    ("chassis/power/on", {}),
    ("system/emergency/off", {}),
    ("chassis/power/off", {"mode": "force"}),
    ("no/such", {}),
)
SETS = (("host/0/set", "NONSENSE"), ("redundancy/set", '{"rotation": true}'), ("psu/1/set", '{"rank": 9}'))


def schema_of(topic: str) -> str | None:
    return [name for pattern, name in TOPICS if re.fullmatch(pattern, topic)][-1]


def test_schemas_are_schemas() -> None:
    assert {name for _, name in TOPICS if name} == SCHEMAS.keys()
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema.schema)


@pytest.mark.parametrize(
    ("profile", "without", "more"),
    [
        ("sim", {"domain-state"}, ("--config", str(EXAMPLE))),
        ("chassis-4-node", {"thermal-state", "energy-state"}, ()),
    ],
)
def test_what_is_published_is_as_described(
    tmp_path: Path, profile: str, without: set[str], more: tuple[str, ...]
) -> None:
    """`without`: what this board has nothing of."""
    demo = start_demo(tmp_path / "state", "--profile", profile, "--simulated", *more)
    try:
        used = published(demo)
    finally:
        code, output = demo.stop()
    assert code == 0, output
    assert used.keys() == SCHEMAS.keys() - without


def published(demo: Demo) -> Counter[str]:
    """Lets the board tell everything that it can, and holds it against the schemas; returns how often each was used."""
    base = demo.ready["mqtt"]["base"]
    watcher = Watcher(demo.ready["mqtt"]["port"])

    def answers(method: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in watcher.payloads(f"response/{method}")]

    for method, arguments in REQUESTS:
        before = sum(answer["final"] for answer in answers(method))
        publish(demo, f"request/{method}", json.dumps({**arguments, "issued_at": time.time()}))
        until_s = time.monotonic() + PATIENCE_S
        while sum(answer["final"] for answer in answers(method)) == before:
            assert time.monotonic() < until_s, method
            time.sleep(0.02)
    assert [answer["verdict"] for answer in answers("policies/update")] == ["done", "blocked", "done"]
    kept = answers("policies/get")[-1]["data"]  # of a change that is not good as a whole nothing is stored
    assert (kept["restore"], kept["redundancy"]["rotation"]) == ("previous", False)
    assert [answer["verdict"] for answer in answers("system/emergency/off")][-1] == "done"
    for topic, payload in SETS:
        publish(demo, topic, payload)
    demo.pgood("sim", "supply", "2", "remove")
    until(
        lambda: any(json.loads(p)["presence"] == "absent" for p in watcher.payloads("psu/2/state")),
        "an empty slot",
        PATIENCE_S,
    )
    demo.pgood("sim", "supply", "2", "insert")
    until(lambda: len(watcher.on("telemetry")) >= 3, "telemetry", PATIENCE_S)
    until(lambda: len(watcher.on("result")) >= 1, "a result", PATIENCE_S)
    until(lambda: any(json.loads(p)["kind"] == "psu.inserted" for p in watcher.payloads("event")), "events", PATIENCE_S)
    watcher.close()

    used: Counter[str] = Counter()
    for seen in watcher.seen:
        topic = seen.topic.removeprefix(f"{base}/")
        name = schema_of(topic)
        if name is None or not seen.payload:
            continue
        document = msgpack.unpackb(seen.payload) if topic.endswith("msgpack") else json.loads(seen.payload)
        errors = [f"{topic}: {error.json_path}: {error.message}" for error in SCHEMAS[name].iter_errors(document)]
        assert not errors, errors
        used[name] += 1
    return used
