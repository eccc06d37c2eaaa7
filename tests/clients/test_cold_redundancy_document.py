# SPDX-License-Identifier: Apache-2.0
"""docs/cold-redundancy.md says what ipmitool prints; and the source document's scenario over SEL, MQTT and log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.mqtt.brokers import Watcher
from tests.patience import until

if TYPE_CHECKING:
    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

DOCUMENT = Path(__file__).parents[2] / "docs" / "cold-redundancy.md"


def examples() -> list[tuple[str, str]]:
    """Command and output of each example, in order."""
    text = "".join(re.findall(r"```console\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL))
    found = re.findall(r"^\$ ipmitool (.+)\n(.*)$", text, re.MULTILINE)
    assert len(found) == text.count("$") >= 14
    return found


def test_the_examples_of_the_document(demo: Demo) -> None:
    for command, output in examples():
        if command.endswith("0x2e 0x06"):
            _settled(demo)
        assert demo.ipmitool(*command.split()).rstrip() == output, command


def test_the_scenario_of_the_source_document_everywhere(demo: Demo) -> None:
    demo.ipmitool("raw", "0x30", "0x2d", "0x01", "0x01")
    _settled(demo)
    until(lambda: bool(demo.status()["documents"]["redundancy/state"]["state"] == "full"))
    demo.ipmitool("sel", "clear")
    seen, logged = len(demo.events()), len(_log(demo))
    watcher = Watcher(demo.ready["mqtt"]["port"])
    for happening, last in (("remove", "redundancy.nonredundant_sufficient"), ("insert", "redundancy.regained")):
        demo.pgood("sim", "supply", "2", happening)
        demo.until_told(last, seen)

    def published() -> list[dict[str, Any]]:
        told = [json.loads(payload) for payload in watcher.payloads("event")]
        return [event for event in told if event["message_id"].startswith("OpenBMC.0.1.Power")]

    until(lambda: any(event["kind"] == "redundancy.regained" for event in published()))
    watcher.close()

    expected = [
        ("OpenBMC.0.1.PowerSupplyRemoved", "Power supply 2 removed.", "Warning", ["2"]),
        ("OpenBMC.0.1.PowerUnitRedundancyLost", "Power Unit Redundancy lost.", "Warning", []),
        (
            "OpenBMC.0.1.PowerUnitNonRedundantSufficient",
            "Power Unit Nonredundant but has sufficient resource.",
            "Warning",
            [],
        ),
        ("OpenBMC.0.1.PowerSupplyInserted", "Power supply 2 inserted.", "OK", ["2"]),
        ("OpenBMC.0.1.PowerUnitRedundancyRegained", "Power Unit Redundancy regained.", "OK", []),
    ]
    told = [(event["message_id"], event["message"], event["severity"], event["args"]) for event in published()]
    assert told == expected
    assert published()[0]["source"] == "psu/2"
    entries = _log(demo)[logged:]
    assert [(e["MessageId"], e["Message"], e["Severity"], e["MessageArgs"]) for e in entries] == expected
    assert len({entry["Id"] for entry in entries}) == len(entries)
    sel = [line.split("|", 3)[3] for line in demo.until_logged("Fully Redundant").splitlines() if "Power" in line]
    assert [" ".join(line.split()) for line in sel if "Log area" not in line] == [
        "Power Supply PSU2 Status | Presence detected | Deasserted",
        "Power Unit Pwr Unit Redund | Redundancy Lost | Asserted",
        "Power Unit Pwr Unit Redund | Non-Redundant: Sufficient from Redundant | Asserted",
        "Power Supply PSU2 Status | Presence detected | Asserted",
        "Power Unit Pwr Unit Redund | Fully Redundant | Asserted",
    ]


def _log(demo: Demo) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads(demo.pgood("events", "--redfish", "--latest", "1000"))
    return entries


def _settled(demo: Demo) -> None:
    until(lambda: demo.ipmitool("raw", "0x30", "0x2e", "0x00").split() == ["00", "00"])
