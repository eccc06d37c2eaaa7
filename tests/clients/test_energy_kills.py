# SPDX-License-Identifier: Apache-2.0
"""A whole agent that caps is killed at any instant: its restore file and the machine agree, and the end is clean.

PGOOD_KILLS sets how often (the long runs kill more).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.clients.demo import PGOOD
from tests.clients.test_energy import FOUND_UW, GOLDEN_UW, LIMIT, Machine, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.client

KILLS = int(os.environ.get("PGOOD_KILLS", "6"))
LONGEST_S = 3.0


def left(state_dir: Path) -> str | None:
    """What the restore file says of the limit."""
    try:
        content = json.loads((state_dir / "energy-restore.json").read_bytes())
    except FileNotFoundError:
        return None
    found: str = content["actuators"]["powercap"]["values"][LIMIT]
    return found


def test_whenever_an_agent_is_killed_what_was_found_is_known(tmp_path: Path) -> None:
    machine, state_dir = Machine(tmp_path), tmp_path / "state"
    machine.site.write_text(machine.site.read_text().replace("max_w = 40", "max_w = 40\napply_s = 1"))
    chance, capped = random.Random(tmp_path.name), 0
    command = [PGOOD, "demo", "--state-dir", str(state_dir), "--ipmi", "127.0.0.1:0", "--mqtt-port", "0"]
    for kill in range(KILLS):
        process = subprocess.Popen(
            [*command, "--config", str(machine.site)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if kill == 0:
            until(lambda: machine.tree.read(LIMIT) == str(GOLDEN_UW), lambda: machine.tree.read(LIMIT))
        else:
            time.sleep(chance.uniform(0.2, LONGEST_S))
        process.kill()
        process.wait()
        now, saved = machine.tree.read(LIMIT), left(state_dir)
        assert saved in (None, str(FOUND_UW)), kill
        # a folder's file may be empty where a kernel's has the old value: it was being written
        assert now in (str(FOUND_UW), str(GOLDEN_UW), ""), kill
        assert now == str(FOUND_UW) or saved == str(FOUND_UW), kill
        capped += now == str(GOLDEN_UW)
    assert capped
    demo = machine.start(state_dir)
    # the cap may be that of the killed one: what counts is that this agent has set it
    until(lambda: '"capping"' in demo.pgood("energy", "--json"), lambda: demo.pgood("energy"))
    until(lambda: machine.tree.read(LIMIT) == str(GOLDEN_UW), lambda: demo.pgood("energy"))
    code, output = demo.stop()
    assert code == 0, output
    assert machine.limit_uw == FOUND_UW
    assert left(state_dir) is None
