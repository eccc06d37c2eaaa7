# SPDX-License-Identifier: Apache-2.0
"""`pgood fleet` over a real mosquitto while coordinators come and go: what nobody tells any more is not shown."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.agent.fleet.program.processes import FILE, Coordinators, environment
from tests.agent.mqtt.brokers import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.mqtt.brokers import Mosquitto


def shown(mosquitto: Mosquitto, *more: str) -> str:
    words = [sys.executable, "-m", "agent", "fleet", "--url", mosquitto.url, *more]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment(), check=True)
    return done.stdout


def test_a_group_is_shown_while_somebody_coordinates_it(tmp_path: Path, mosquitto: Mosquitto) -> None:
    (tmp_path / "hall.toml").write_text(FILE.format(url=mosquitto.url), encoding="utf-8")
    coordinators = Coordinators(tmp_path, {})
    coordinators.start("one")
    try:
        asyncio.run(asyncio.wait_for(coordinators.leader(), 60))
        until_s = time.monotonic() + 2 * PATIENCE_S
        while not (rows := json.loads(shown(mosquitto, "--json"))["groups"]) or not rows[0]["fresh"]:
            assert time.monotonic() < until_s, "who leads tells of its groups within a cycle, and leads on"
        (row,) = rows
        assert (row["group"], row["counted_w"], row["fresh"]) == ("hall", 1200, True)
    finally:
        coordinators.kill("one")
    assert "nobody coordinates" in shown(mosquitto, "--once", "--listen", "10"), "what the broker has kept is old"
