# SPDX-License-Identifier: Apache-2.0
"""pyghmi as a client, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest

from ipmi.board import ChassisAction

if TYPE_CHECKING:
    from .clients import Clients
    from .memory_board import MemoryBoard

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pyghmi") is None, reason="pyghmi is not installed")


def told(clients: Clients, script: str) -> Any:
    """What the script prints as JSON."""
    result = clients.pyghmi("import json\n" + script)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_power(clients: Clients, parts: MemoryBoard) -> None:
    script = "out = [bmc.get_power()]\nfor state in ('on', 'reset', 'off'):\n    out.append(bmc.set_power(state))\n"
    answers = told(clients, script + "out.append(bmc.get_power())\nprint(json.dumps(out))")
    assert answers[0] == {"powerstate": "off"}
    assert answers[-1] == {"powerstate": "off"}
    assert [action for action, _ in parts.chassis.actions] == [
        ChassisAction.ON,
        ChassisAction.RESET,
        ChassisAction.FORCE_OFF,
    ]


def test_boot_device(clients: Clients, parts: MemoryBoard) -> None:
    answer = told(clients, "bmc.set_bootdev('network', persist=True)\nprint(json.dumps(bmc.get_bootdev()))")
    assert answer["bootdev"] == "network"
    assert answer["persistent"] is True
    assert parts.boot_options.parameters[3] == b"\x08"


def test_sensors(clients: Clients) -> None:
    script = "print(json.dumps({r.name: r.value for r in bmc.get_sensor_data() if r.value is not None}))"
    readings = told(clients, script)
    assert readings["Inlet Temp"] == pytest.approx(24)
    assert readings["P12V"] == pytest.approx(12.06)
    assert readings["PSU1 Fan"] == pytest.approx(9800)


def test_event_log(clients: Clients, parts: MemoryBoard) -> None:
    data = "[0, 0, 2, 0, 0, 0, 0, 0x20, 0, 4, 9, 17, 0x0b, 1, 0xff, 0xff]"
    script = f"bmc.raw_command(netfn=0x0a, command=0x44, data={data})\n"
    script += "print(json.dumps([e['event'] for e in bmc.get_event_log(clear=True)]))"
    assert told(clients, script) == ["Not redundant"]
    assert parts.event_log.clears == 1


def test_inventory_and_identity(clients: Clients) -> None:
    script = "info = bmc.get_inventory_of_component('System')\nprint(json.dumps(info, default=str))"
    info = told(clients, script)
    assert info["Product name"] == "Memory machine"
    assert info["Board serial number"] == "B0001"
    assert info["Asset Number"] == "rack 7"


def test_users(clients: Clients) -> None:
    users = told(clients, "print(json.dumps({str(k): v for k, v in bmc.get_users().items()}, default=str))")
    assert users["2"]["name"] == "admin"


def test_raw(clients: Clients) -> None:
    script = "print(json.dumps(list(bmc.raw_command(netfn=0x30, command=0x2e, data=[5])['data'])))"
    assert told(clients, script) == [5, 2]
