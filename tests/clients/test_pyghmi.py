# SPDX-License-Identifier: Apache-2.0
"""pyghmi as a client: power, sensors, log, inventory, users, boot device, console. One process per story."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients.demo import Demo

pytestmark = pytest.mark.client
pytest.importorskip("pyghmi")


def pyghmi(demo: Demo, script: str, code: int | None = 0) -> str:
    """Runs a script with a logged-in `bmc`."""
    ipmi = demo.ready["ipmi"]
    start = (
        "import time\nfrom pyghmi.ipmi.command import Command\n"
        f"bmc = Command({ipmi['host']!r}, {ipmi['user']!r}, {ipmi['password']!r}, port={ipmi['port']})\n"
    )
    return demo.client([sys.executable, "-c", start + script], code)


def test_power_in_one_session(demo: Demo) -> None:
    """On, off, on without a new login: each is done (it waits for the state itself)."""
    script = "for word in ('on', 'off', 'on'):\n    print(bmc.set_power(word, wait=20))\nprint(bmc.get_power())"
    shown = pyghmi(demo, script)
    assert shown.count("'powerstate': 'on'") == 3
    assert shown.count("'powerstate': 'off'") == 1


def test_sensors_inventory_and_log(demo: Demo) -> None:
    demo.ipmitool("event", "1")
    shown = pyghmi(
        demo,
        "print([reading.name for reading in bmc.get_sensor_data()])\n"
        "print(dict(bmc.get_inventory()))\n"
        "print(list(bmc.get_event_log()))\n"
        "print(bmc.get_health())\n",
    )
    for name in ("CPU Temp", "PSU1 Input W", "Simulated board", "CRPS-SIM-550", "Temperature"):
        assert name in shown


def test_boot_device(demo: Demo) -> None:
    shown = pyghmi(
        demo,
        "bmc.set_bootdev('network', persist=True, uefiboot=True)\nprint(bmc.get_bootdev())\n"
        "bmc.set_bootdev('hd')\nprint(bmc.get_bootdev())\n",
    )
    assert "'bootdev': 'network'" in shown
    assert "'persistent': True" in shown
    assert "'bootdev': 'hd'" in shown


def test_users(demo: Demo) -> None:
    shown = pyghmi(
        demo,
        "bmc.create_user(uid=9, name='erin', password='secret-of-erin', channel=1, privilege_level='operator')\n"
        "print(bmc.get_user(uid=9, channel=1))\nprint(sorted(bmc.get_users(channel=1)))\n",
    )
    assert "'name': 'erin'" in shown
    assert "'privilege_level': 'operator'" in shown
    assert "[2, 9]" in shown
    erin = demo.as_user("erin", "secret-of-erin")
    assert "Device ID" in erin.ipmitool("-L", "OPERATOR", "mc", "info")
    pyghmi(demo, "bmc.user_delete(uid=9, channel=1)\n")
    erin.ipmitool("-L", "OPERATOR", "mc", "info", code=1)


def test_network(demo: Demo) -> None:
    assert "127.0.0.1/8" in pyghmi(demo, "print(bmc.get_net_configuration())")


def test_console(demo: Demo) -> None:
    demo.pgood("power", "on")
    ipmi = demo.ready["ipmi"]
    script = (
        "import time\nfrom pyghmi.ipmi.console import Console\nfrom pyghmi.ipmi.private.session import Session\n"
        "seen = []\n"
        f"console = Console({ipmi['host']!r}, {ipmi['user']!r}, {ipmi['password']!r}, port={ipmi['port']},"
        " iohandler=lambda data: seen.append(data))\n"
        "end = time.monotonic() + 10\ntyped = False\n"
        "while time.monotonic() < end and b'yourself' not in b''.join(x for x in seen if isinstance(x, bytes)):\n"
        "    Session.wait_for_rsp(0.1)\n"
        "    if not typed and b'sim#' in b''.join(x for x in seen if isinstance(x, bytes)):\n"
        "        typed = True\n"
        "        console.send_data(b'hello\\r')\n"
        "console.close()\nprint(seen)\n"
    )
    assert "hello yourself" in demo.client([sys.executable, "-c", script], 0)
